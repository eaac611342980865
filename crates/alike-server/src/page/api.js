// Talks to the server: JSON in and out, errors as values with the server's own words, patience when it is busy.

const TRIES = 4;
const LONGEST_WAIT_S = 30;
const TOKEN = 'alike-token';

/** What went wrong: `code` is the server's, or "unreachable" where it gave no answer; `status` is 0 then. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

export const keepToken = (token) => sessionStorage.setItem(TOKEN, token);

export const forgetToken = () => sessionStorage.removeItem(TOKEN);

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;

/**
 * Asks the server. `options` are those of fetch, and `onWait(seconds, next, tries)`, called before a busy server is
 * asked again, and `authorized`, for what changes the collection.
 */
export async function ask(path, { onWait = () => {}, authorized = false, ...options } = {}) {
  const headers = { ...options.headers, ...(authorized && hasToken() && { Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` }) };
  for (let next = 2; ; next += 1) {
    const response = await reach(path, { ...options, headers });
    if (response.status !== 503 || next > TRIES) return answer(response);
    const seconds = waitOf(response);
    onWait(seconds, next, TRIES);
    await pause(seconds, options.signal);
  }
}

export const askJson = (path, method, value, options = {}) =>
  ask(path, { ...options, method, body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } });

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', error.message);
  }
}

async function answer(response) {
  if (response.status === 204) return null;
  const value = await response.json().catch((error) => {
    if (error.name === 'AbortError') throw error;
    return null;
  });
  if (response.ok && value !== null) return value;
  const { code = 'unknown', message = '' } = value?.error ?? {};
  throw new ApiError(response.status, code, message || `${response.status} ${response.statusText}`);
}

function waitOf(response) {
  const seconds = Number(response.headers.get('Retry-After'));
  return Math.min(LONGEST_WAIT_S, Math.max(1, Number.isFinite(seconds) ? seconds : 1));
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
