// Changing the collection: add, label again, remove; and the token that the server asks for before it does.

import { ApiError, ask, askJson, forgetToken, hasToken, keepToken } from './api.js';
import { element, find, thumbnailOf } from './elements.js';
import { typeOf } from './search.js';
import { bytes, number, say } from './words.js';

const dialog = find('#manage');
const tokenDialog = find('#token');
let jobs = null;
let tokenNeeded = false;

for (const one of [dialog, tokenDialog]) {
  find('[data-close]', one).addEventListener('click', () => one.close());
}
find('form', dialog).addEventListener('submit', (event) => run(event, jobs.save));
find('#manage-remove').addEventListener('click', (event) => {
  if (jobs.sure) run(event, jobs.remove);
  else askWhetherSure();
});

/** Opens the dialog on a picture of the collection; `changed(what)` is told what is so now. */
export function manageImage(image, collection, changed) {
  const url = `/api/v1/images/${image.id}`;
  open({
    title: say('manage'), picture: thumbnailOf(image.id, 192), label: image.label_name ?? image.label ?? '', collection,
    about: `${image.path}\n${number(image.width)} × ${number(image.height)}, ${bytes(image.bytes)}`,
    save: say('save'), note: say('removeNote'), removable: true,
  });
  jobs = {
    sure: false,
    save: async () => {
      await askJson(url, 'PATCH', { label: typedLabel() }, { authorized: true });
      changed({ text: say('saved') });
    },
    remove: async () => {
      await ask(url, { method: 'DELETE', authorized: true });
      changed({ text: say('removed', { path: image.path }), gone: image.id });
    },
  };
}

/** Opens the dialog on an upload, to add it to the collection. */
export function addUpload({ blob, url, file }, collection, changed) {
  open({
    title: say('add'), picture: url, label: '', collection, about: `${file}\n${bytes(blob.size)}`,
    save: say('add'), note: say('addNote'), removable: false,
  });
  jobs = {
    save: async () => {
      const label = typedLabel();
      const options = label === null ? '' : `?${new URLSearchParams({ label })}`;
      const headers = { 'Content-Type': typeOf(blob) };
      const image = await ask(`/api/v1/images${options}`, { method: 'POST', body: blob, headers, authorized: true });
      changed({ text: say('added', { path: image.path }), image });
    },
  };
}

const typedLabel = () => find('#manage-label').value.trim() || null;

function open({ title, picture, label, collection, about, save, note, removable }) {
  tokenNeeded = collection.token_needed;
  find('#manage-title').textContent = title;
  find('img', dialog).src = picture;
  find('#manage-about').textContent = about;
  find('#manage-label').value = label;
  find('#known-labels').replaceChildren(...collection.labels.map(({ id, name }) => element('option', { value: name ?? id })));
  find('#manage-save').textContent = save;
  find('#manage-remove').textContent = say('remove');
  find('#manage-remove').hidden = !removable;
  find('#manage-note').textContent = note;
  find('.trouble', dialog).hidden = true;
  dialog.showModal();
}

function askWhetherSure() {
  jobs.sure = true;
  find('#manage-remove').textContent = say('removeSure');
}

/** Does a job, with the token asked for as often as it takes; a failure is said in the dialog, which stays. */
async function run(event, job) {
  event.preventDefault();
  // Pressed twice, a picture would be added twice.
  if (dialog.hasAttribute('aria-busy')) return;
  const trouble = find('.trouble', dialog);
  trouble.hidden = true;
  dialog.setAttribute('aria-busy', 'true');
  try {
    if (await withToken(job)) dialog.close();
  } catch (error) {
    if (!(error instanceof ApiError)) console.error(error);
    trouble.textContent = error.code === 'unreachable' ? say('unreachable') : say('serverSays', { message: error.message });
    trouble.hidden = false;
  } finally {
    dialog.removeAttribute('aria-busy');
  }
}

/** False when the reader would rather not give a token. What needs one is not sent without: it may be large. */
async function withToken(job) {
  if (tokenNeeded && !hasToken() && !(await askToken(''))) return false;
  for (;;) {
    try {
      await job();
      return true;
    } catch (error) {
      if (error.status !== 401) throw error;
      const wrong = error.code === 'wrong_token';
      forgetToken();
      if (!(await askToken(wrong ? say('serverSays', { message: error.message }) : ''))) return false;
    }
  }
}

function askToken(complaint) {
  const text = find('#token-text');
  const trouble = find('.trouble', tokenDialog);
  trouble.textContent = complaint;
  trouble.hidden = complaint === '';
  text.value = '';
  tokenDialog.showModal();
  return new Promise((resolve) => {
    const given = (event) => {
      event.preventDefault();
      keepToken(text.value.trim());
      tokenDialog.close('given');
    };
    tokenDialog.returnValue = '';
    find('form', tokenDialog).addEventListener('submit', given);
    tokenDialog.addEventListener('close', () => {
      find('form', tokenDialog).removeEventListener('submit', given);
      resolve(tokenDialog.returnValue === 'given');
    }, { once: true });
  });
}
