// What this browser remembers of its viewer's choices; where storage is switched off, nothing.

const PREFIX = "readroom.";

export function recall(name, otherwise) {
  try {
    return window.localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    window.localStorage.setItem(PREFIX + name, value);
  } catch {
    // It holds until the page is closed.
  }
}

/** A checkbox that is remembered; `onChange(boolean)` is told at once, and when it changes. */
export function rememberTick(box, name, otherwise, onChange) {
  box.checked = recall(name, otherwise ? "on" : "off") === "on";
  box.addEventListener("change", () => {
    remember(name, box.checked ? "on" : "off");
    onChange(box.checked);
  });
  onChange(box.checked);
}
