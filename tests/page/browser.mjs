// Opens the page of a running `alike serve` in headless Chromium, and notices what a page must not do.
//
// ALIKE_PAGE: the server's address. ALIKE_SCREENSHOTS: a folder for pictures of the page, if wanted.
// ALIKE_TOKEN: the server's token; without, what changes the collection isn't tested.
// CHROMIUM: the browser, /usr/bin/chromium if not said.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { ALIKE_PAGE, ALIKE_SCREENSHOTS, CHROMIUM = '/usr/bin/chromium' } = process.env;
if (!ALIKE_PAGE) throw new Error('ALIKE_PAGE must be the address of a running `alike serve`, as http://127.0.0.1:7878');

export const BASE = ALIKE_PAGE.replace(/\/$/, '');
const DESK = { viewport: { width: 1280, height: 900 }, locale: 'en-US' };
export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, locale: 'en-US' };

let browser;

export async function startBrowser() {
  if (ALIKE_SCREENSHOTS) mkdirSync(ALIKE_SCREENSHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

export const stopBrowser = () => browser.close();

/**
 * Runs `visit(page)` on a fresh page that stands at an address. Afterwards nothing may have gone wrong on its console
 * (violations of the Content-Security-Policy are told there, too), but for failed requests whose status is `expected`,
 * and nothing may have been asked of another server.
 */
export async function onPage(address, visit, { expected = null, ...options } = {}) {
  const context = await browser.newContext({ ...DESK, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const wrong = [];
  const isExpected = (text) => expected && text.startsWith('Failed to load resource') && text.includes(expected);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !isExpected(message.text())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(error.stack));
  page.on('request', (request) => {
    if (!request.url().startsWith(BASE) && !/^(blob|data):/.test(request.url())) wrong.push(`asked ${request.url()}`);
  });
  try {
    await page.goto(BASE + address);
    await visit(page);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}

export async function screenshot(page, name) {
  if (!ALIKE_SCREENSHOTS) return;
  await page.evaluate(() => Promise.all([...document.images]
    .filter((image) => image.checkVisibility() && image.getBoundingClientRect().top < innerHeight && !image.complete)
    .map((image) => new Promise((resolve) => { image.onload = image.onerror = resolve; }))));
  await page.screenshot({ path: join(ALIKE_SCREENSHOTS, `${name}.png`) });
}

/** Waits until a column (the first, or the second) shows results for what the address says; gives its cards. */
export async function results(page, column = 0) {
  const section = page.locator('.column').nth(column);
  await section.locator('.card').first().waitFor();
  await page.waitForFunction((at) => !document.querySelectorAll('.column .grid')[at].hasAttribute('aria-busy'), column);
  return section.locator('.card');
}

export const texts = (cards, part) => cards.locator(part).allTextContents();

export async function isNotWide(page) {
  // innerWidth is no measure: a phone zooms out until what is too wide fits.
  const room = page.viewportSize().width;
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= room, `the page is ${wide} px wide in a window of ${room} px`);
}

/** A JSON answer of the server, asked for outside the page. */
export async function answer(path) {
  const response = await fetch(BASE + path);
  assert.equal(response.status, 200, path);
  return response.json();
}

/** A picture of the collection as something to upload: its own file, or a smaller one that isn't in the collection. */
export async function pictureOf(id, kind = 'file') {
  const response = await fetch(`${BASE}/api/v1/images/${id}/${kind}`);
  return { name: 'mine.jpg', mimeType: response.headers.get('Content-Type'), buffer: Buffer.from(await response.arrayBuffer()) };
}
