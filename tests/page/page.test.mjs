// The page as people use it, against a running `alike serve` on any collection of at least 30 pictures with labels.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answer, BASE, onPage, pictureOf, results, screenshot, startBrowser, stopBrowser, texts } from './browser.mjs';

let collection;
let image;

before(async () => {
  await startBrowser();
  collection = await answer('/api/v1/collection');
  [image] = (await answer(`/api/v1/images?limit=1&offset=${Math.floor(collection.pictures / 3)}`)).images;
});
after(stopBrowser);

const searched = () => `/?like=${image.id}`;
const idOf = (card) => card.getAttribute('data-id');
const said = (page, name) => new URL(page.url()).searchParams.get(name);
const waitForAddress = (page, ready) => page.waitForURL((url) => ready(url.searchParams));

test('the page comes with a policy that allows only its own files', async () => {
  const policy = (await fetch(BASE)).headers.get('Content-Security-Policy');
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(part), `${part} is not in ${policy}`);
  }
});

test('an empty search shows the collection and where to begin', () => onPage('/', async (page) => {
  await page.getByRole('button', { name: 'Choose a picture' }).waitFor();
  const facts = await page.locator('#glance .facts').textContent();
  assert.ok(facts.includes(collection.pictures.toLocaleString('en')), facts);
  assert.deepEqual(await page.locator('#glance tbody th').allTextContents(), collection.recipes.map(({ recipe }) => recipe));
  await page.locator('#glance .card').first().waitFor();
  await screenshot(page, 'empty');
}));

test('a chosen picture is searched, and the page says that it cannot be shared', () => onPage('/', async (page) => {
  await page.locator('#glance').waitFor();
  await page.locator('#file').setInputFiles(await pictureOf(image.id));
  const cards = await results(page);
  assert.equal(await cards.count(), 30);
  const [best, ...others] = (await texts(cards, '.score')).map(Number);
  assert.ok(best > 0.99, `the same picture scores ${best}`);
  assert.ok(others.every((score, at) => score <= [best, ...others][at]), 'scores fall');
  await page.getByText('This picture is only in this tab').waitFor();
  await page.reload();
  await page.getByText('only ever in the tab it was put into').waitFor();
}));

for (const kind of ['paste', 'drop']) {
  test(`a picture comes in by ${kind}`, () => onPage('/', async (page) => {
    await page.locator('#glance').waitFor();
    await page.evaluate(async ([type, path]) => {
      const held = new DataTransfer();
      held.items.add(new File([await (await fetch(path)).blob()], 'shot.png', { type: 'image/png' }));
      const event = type === 'paste'
        ? new ClipboardEvent(type, { clipboardData: held, bubbles: true, cancelable: true })
        : new DragEvent(type, { dataTransfer: held, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
    }, [kind, `/api/v1/images/${image.id}/thumbnail?side=256`]);
    assert.equal(await (await results(page)).count(), 30);
  }));
}

test('a click on a result searches from it; back and forward work', () => onPage(searched(), async (page) => {
  await results(page);
  await screenshot(page, 'results');
  const last = page.locator('.column .card').last();
  const id = await idOf(last);
  await last.scrollIntoViewIfNeeded();
  const scrolled = await page.evaluate(() => scrollY);
  await last.locator('.picture').click();
  await waitForAddress(page, (address) => address.get('like') === id);
  await page.locator(`.column .card.is-query[data-id="${id}"]`).waitFor();
  await page.goBack();
  await page.locator(`.column .card.is-query[data-id="${image.id}"]`).waitFor();
  assert.equal(said(page, 'like'), String(image.id));
  await page.waitForFunction((far) => Math.abs(scrollY - far) < 300, scrolled);
  assert.ok(scrolled > 300, 'the last result is further down');
  await page.goForward();
  await page.locator(`.column .card.is-query[data-id="${id}"]`).waitFor();
  assert.match(await page.locator('.card .open').first().getAttribute('href'), /^\/api\/v1\/images\/\d+\/file$/);
}));

test('a region is drawn by mouse, moved by keys, and cleared', () => onPage(searched(), async (page) => {
  await results(page);
  await page.waitForFunction(() => document.querySelector('#query-picture').naturalWidth > 0);
  const frame = await page.locator('#frame').boundingBox();
  const asked = page.waitForResponse((response) => response.url().includes('region='));
  await page.mouse.move(frame.x + frame.width * 0.2, frame.y + frame.height * 0.2);
  await page.mouse.down();
  await page.mouse.move(frame.x + frame.width * 0.7, frame.y + frame.height * 0.6, { steps: 4 });
  await page.mouse.up();
  assert.equal((await asked).status(), 200);
  const [x, y, w, h] = said(page, 'region').split(',').map(Number);
  [[x, 0.2], [y, 0.2], [w, 0.5], [h, 0.4]].forEach(([got, wanted]) => assert.ok(Math.abs(got - wanted) < 0.02, `${got}, not ${wanted}`));
  await results(page);
  await screenshot(page, 'region');
  await page.locator('#region').press('ArrowRight');
  await waitForAddress(page, (address) => Number(address.get('region')?.split(',')[0]) > x);
  await page.locator('#region').press('Delete');
  await waitForAddress(page, (address) => !address.has('region'));
  assert.ok(await page.locator('#region').isHidden());
}));

test('a label filters, and the number of results is kept in the address', () => onPage(searched(), async (page) => {
  await results(page);
  const { id, name } = collection.labels.at(-1);
  await page.locator('#label').selectOption(id);
  await page.locator('#k').selectOption('12');
  await waitForAddress(page, (address) => address.get('label') === id && address.get('k') === '12');
  await page.waitForFunction(() => document.querySelectorAll('.column:not([hidden]) .card').length <= 12);
  const labels = await texts(await results(page), '.label');
  assert.ok(labels.length > 0 && labels.every((label) => label === (name ?? id)), String(labels));
}));

test('two recipes stand side by side', () => onPage(searched(), async (page) => {
  await results(page);
  const { recipe } = collection.recipes.at(-1);
  await page.locator('#second').selectOption(recipe);
  await results(page, 1);
  const [left, right] = [page.locator('.column').nth(0), page.locator('.column').nth(1)];
  const [a, b] = [await left.boundingBox(), await right.boundingBox()];
  assert.ok(b.x >= a.x + a.width, 'beside each other');
  await right.getByRole('heading', { name: `Results by ${recipe}` }).waitFor();
  await screenshot(page, 'two-recipes');
}));

test('more like this, less like that', () => onPage(searched(), async (page) => {
  const cards = await results(page);
  const [plus, minus] = [await idOf(cards.nth(1)), await idOf(cards.nth(5))];
  await cards.nth(1).locator('.like').click();
  await waitForAddress(page, (address) => address.getAll('like').includes(plus));
  await page.locator('#like li').nth(1).waitFor();
  await page.locator(`.column .card[data-id="${minus}"] .unlike`).click();
  await waitForAddress(page, (address) => address.get('unlike') === minus);
  await results(page);
  await page.locator('#unlike button').click();
  await waitForAddress(page, (address) => !address.has('unlike'));
  assert.ok(await page.locator('#unlike').isHidden());
}));

test('the threshold dims, and nothing similar is said plainly', () => onPage(searched(), async (page) => {
  const cards = await results(page);
  const scores = (await texts(cards, '.score')).map(Number);
  const middle = scores[10];
  await page.locator('.threshold input').first().fill(String(Math.round(middle * 200) / 200));
  const min = Number(said(page, 'min'));
  const weak = await cards.evaluateAll((all) => all.map((card) => card.classList.contains('weak')));
  scores.forEach((score, at) => assert.ok(weak[at] === score < min || Math.abs(score - min) < 0.001, `${score} and ${min}`));
  await page.goto(`${BASE}${searched()}&min=1.001`);
  await page.getByText('Nothing similar here.').waitFor();
  await screenshot(page, 'nothing-similar');
}));

test('arrow keys move through results, Enter searches, and only one card is in the order of Tab', () => onPage(searched(), async (page) => {
  const cards = await results(page);
  assert.equal(await page.locator('.column:not([hidden]) .picture[tabindex="0"]').count(), 1);
  await cards.first().locator('.picture').focus();
  await page.keyboard.press('ArrowRight');
  const id = await idOf(page.locator('.card:focus-within'));
  assert.equal(id, await idOf(cards.nth(1)));
  await page.keyboard.press('Enter');
  await waitForAddress(page, (address) => address.get('like') === id);
}));

test('browsing by label, and on by the next page', () => onPage('/?view=browse', async (page) => {
  const cards = page.locator('#view-browse .card');
  await cards.first().waitFor();
  assert.equal(await cards.count(), Math.min(60, collection.pictures));
  if (collection.pictures > 60) {
    await page.getByRole('button', { name: 'Show more' }).click();
    await cards.nth(60).waitFor();
  }
  await screenshot(page, 'browse');
  await page.locator('.labels button').nth(1).click();
  await waitForAddress(page, (address) => address.has('label'));
  await cards.first().locator('.picture').click();
  await waitForAddress(page, (address) => address.has('like') && !address.has('label'));
  await results(page);
}));
