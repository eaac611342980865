// The ways in which a picture comes in: dropped anywhere, pasted, chosen, photographed.

import { find } from './elements.js';

/**
 * Watches all of them. `put(files, adding)` is called with pictures, `adding` where they join those asked about already;
 * `refuse()` where what came holds none.
 */
export function watchPictures(put, refuse) {
  const take = (files, adding = false) => {
    const pictures = [...files].filter(mayBePicture);
    if (pictures.length) put(pictures, adding);
    else refuse();
  };
  watchChoosing(take);
  watchPaste(take);
  watchDrop(take);
}

/** Formats that browsers don't know have no type; only what surely is something else is left out. */
const mayBePicture = (file) => file.type === '' || file.type.startsWith('image/');

/** Opens the file chooser, as a click on its button does. */
export const choosePicture = () => find('#choose-file').click();

function watchChoosing(take) {
  const file = find('#file');
  const camera = find('#camera');
  let adding = false;
  const open = (input, toAdd) => () => {
    adding = toAdd;
    input.click();
  };
  find('#choose-file').addEventListener('click', open(file, false));
  find('#take-photo').addEventListener('click', open(camera, false));
  find('#add-picture').addEventListener('click', open(file, true));
  // Only devices one touches have a camera that points away from their reader.
  find('#take-photo').hidden = !matchMedia('(any-pointer: coarse)').matches;
  for (const input of [file, camera]) {
    input.addEventListener('change', () => {
      if (input.files.length) take(input.files, adding);
      // The same file may be chosen again.
      input.value = '';
    });
  }
}

function watchPaste(take) {
  document.addEventListener('paste', (event) => {
    if (event.target.closest?.('input, textarea') || find('dialog[open]')) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
}

function watchDrop(take) {
  const curtain = find('#drop-here');
  const holdsFiles = (event) => event.dataTransfer?.types.includes('Files');
  document.addEventListener('dragover', (event) => {
    // A picture of the page itself, dragged about, is no file that one could search with.
    if (!holdsFiles(event) || find('dialog[open]')) return;
    event.preventDefault();
    curtain.hidden = false;
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) curtain.hidden = true;
  });
  document.addEventListener('drop', (event) => {
    curtain.hidden = true;
    if (!holdsFiles(event)) return;
    event.preventDefault();
    if (!find('dialog[open]')) take(event.dataTransfer.files);
  });
}
