// Small helpers for the page's elements. Text is always set as text.

export const byId = (id) => document.getElementById(id);

/** Change an element's text only where it differs: nothing is laid out, or announced, for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** A name that fits where there is little room. */
export const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Set a style by the object model, which the page's content policy lets through; only a new one. */
export function setStyle(element, name, value) {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** An element nobody has to read out, such as a swatch beside its name. */
export function makeSilent(tag, className) {
  const element = make(tag, className);
  element.setAttribute("aria-hidden", "true");
  return element;
}

/**
 * Make a list's children match `items`: `create(item)` for a new key, `update(element, item)` for
 * each, in order; children whose key is gone are removed. Elements are kept between calls.
 */
export function keepInStep(list, items, keyOf, create, update) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let element = known.get(key);
    known.delete(key);
    if (element === undefined) {
      element = create(item);
      element.dataset.key = key;
    }
    if (element === place) place = place.nextElementSibling;
    else list.insertBefore(element, place);
    update(element, item);
  }
  for (const element of known.values()) element.remove();
}
