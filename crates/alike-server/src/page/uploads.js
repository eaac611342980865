// The pictures that were dropped, pasted, chosen or photographed: kept in the memory of this tab and nowhere else.

const uploads = new Map();

/** Keeps a file and gives its name. */
export function keep(file) {
  const name = `u${[...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  uploads.set(name, { blob: file, url: URL.createObjectURL(file), file: file.name ?? '' });
  return name;
}

/** `{blob, url, file}`, or undefined after a reload or in another tab. */
export const upload = (name) => uploads.get(name);
