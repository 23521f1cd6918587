// Small helpers for the page's elements. Text is always set as text.

export const byId = (id) => document.getElementById(id);

/** Change an element's text only where it differs: nothing is laid out, or announced, for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
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
