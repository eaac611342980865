// The map, languages, narrow screens, trouble, and changes to the collection.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answer, BASE, isNotWide, onPage, PHONE, pictureOf, results, screenshot, startBrowser, stopBrowser } from './browser.mjs';

const NASTY = '<img src=x onerror="document.title=1">';
let collection;
let image;

before(async () => {
  await startBrowser();
  collection = await answer('/api/v1/collection');
  [image] = (await answer('/api/v1/images?limit=1')).images;
});
after(stopBrowser);

const searched = () => `/?like=${image.id}`;
const waitForAddress = (page, ready) => page.waitForURL((url) => ready(url.searchParams));

test('the map is drawn, zoomed and searched from by keys, and there as a list', () => onPage('/?view=map', async (page) => {
  await page.getByText('directions shown').waitFor();
  const painted = () => page.locator('#map').evaluate((canvas) => canvas.toDataURL());
  const whole = await painted();
  await screenshot(page, 'map');
  await page.locator('#map').focus();
  for (let press = 0; press < 5; press += 1) await page.keyboard.press('+');
  await page.waitForFunction((before) => document.querySelector('#map').toDataURL() !== before, whole);
  await page.locator('#map-nearest', { hasText: 'At the centre' }).waitFor({ state: 'attached' });
  await screenshot(page, 'map-zoomed');
  await waitForAddress(page, (address) => address.has('at'));
  const seen = async () => (await page.locator('#map-list button').allTextContents()).sort();
  await page.locator('#map-list summary').click();
  await page.locator('#map-list button').first().waitFor();
  const before = await seen();
  assert.ok(before.length < collection.pictures / 2, `${before.length} are in view`);
  await page.reload();
  await page.locator('#map-list summary').click();
  await page.locator('#map-list button').first().waitFor();
  assert.deepEqual(await seen(), before);
  await page.locator('#map').focus();
  await page.keyboard.press('0');
  await waitForAddress(page, (address) => !address.has('at'));
  await page.locator('#map').press('Enter');
  await waitForAddress(page, (address) => /^\d+$/.test(address.get('like')));
  await results(page);
}));

test('where a recipe is calibrated, unrelated hits are dimmed, and that nothing is similar is said', async () => {
  const found = await Promise.all(collection.recipes.map(({ recipe }) =>
    answer(`/api/v1/images/${image.id}/similar?k=200&recipe=${encodeURIComponent(recipe)}`)));
  const calibrated = found.find(({ meaning }) => meaning);
  assert.ok(calibrated, 'the collection has a recipe that `alike calibrate` has seen');
  const { meaning, recipe, hits } = calibrated;
  await onPage(`${searched()}&k=200&recipe=${encodeURIComponent(recipe)}`, async (page) => {
    const cards = await results(page);
    const weak = await cards.evaluateAll((all) => all.map((card) => card.classList.contains('weak')));
    assert.deepEqual(weak, hits.map(({ verdict }) => verdict === 'unrelated'));
    assert.ok(weak.includes(true) && weak.includes(false), `dimmed below ${meaning.similar_from}`);
    assert.match(await cards.last().locator('.score').getAttribute('title'), /unrelated/);
    await page.getByText('probably similar').waitFor();
    await screenshot(page, 'calibrated');
    // To the left end: nothing is dimmed, and the address says so.
    await page.locator('.threshold input').first().press('Home');
    await waitForAddress(page, (address) => address.get('min') === '-1');
    assert.equal(await page.locator('.column:not([hidden]) .card.weak').count(), 0);
    await page.goto(`${BASE}${searched()}&k=200&min=0.999&recipe=${encodeURIComponent(recipe)}`);
    await results(page);
    await page.locator('.threshold input').first().fill(String(Math.round(meaning.similar_from * 200) / 200));
    await waitForAddress(page, (address) => !address.has('min'));
    await page.getByText('probably similar').waitFor();
  });
  await onPage('/', async (page) => {
    await page.route('**/search?*', async (route) => {
      const answered = await (await route.fetch()).json();
      const unlike = (hit) => ({ ...hit, is_query: false, score: 0.1, probability: 0.01, verdict: 'unrelated' });
      await route.fulfill({ json: { ...answered, meaning, hits: answered.hits.map(unlike) } });
    });
    await page.locator('#glance').waitFor();
    await page.locator('#file').setInputFiles(await pictureOf(image.id));
    await page.getByText('Nothing similar here.').waitFor();
    await page.getByText('of hits with such a score 1% are similar').waitFor();
  });
});

test('both languages say the same things', () => onPage('/', async (page) => {
  const [english, chinese] = await page.evaluate(async () =>
    [(await import('/assets/english.js')).english, (await import('/assets/chinese.js')).chinese]);
  assert.deepEqual(Object.keys(chinese), Object.keys(english));
  const holes = (text) => [...new Set((text.other ?? text).match(/\{\w+\}/g))].sort();
  Object.keys(english).forEach((key) => assert.deepEqual(holes(chinese[key]), holes(english[key]), key));
}));

test('a reader of Chinese is met in Chinese, may switch, and shares the language', () => onPage(searched(), async (page) => {
  await results(page);
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-Hans');
  await page.getByRole('button', { name: '选择图片' }).waitFor();
  await screenshot(page, 'chinese');
  await page.locator('#language').click();
  await page.getByRole('button', { name: 'Choose a picture' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await waitForAddress(page, (address) => address.get('lang') === 'en');
}, { locale: 'zh-CN' }));

const PHONE_PAGES = [
  ['empty', ''], ['results', 'like=ID'], ['two-recipes', 'like=ID&second=RECIPE'], ['map', 'view=map'], ['browse', 'view=browse'],
];
for (const [name, query] of PHONE_PAGES) {
  test(`a phone shows ${name} without scrolling sideways`, () => onPage('/', async (page) => {
    const recipe = encodeURIComponent(collection.recipes.at(-1).recipe);
    await page.goto(`${page.url()}?${query.replace('ID', image.id).replace('RECIPE', recipe)}`);
    await page.locator('#view-search:not([hidden]), #view-map:not([hidden]), #view-browse:not([hidden])').waitFor();
    if (query.includes('like')) await results(page);
    await (query.includes('map') ? page.locator('#legend li') : page.locator('.card:visible')).first().waitFor();
    if (query === '') await page.getByRole('button', { name: 'Take a photo' }).waitFor();
    await isNotWide(page);
    await screenshot(page, `phone-${name}`);
  }, PHONE));
}

test('dark', () => onPage(searched(), async (page) => {
  await results(page);
  const [red] = (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).match(/\d+/g);
  assert.ok(red < 64, `the ground is ${red} of 255`);
  await screenshot(page, 'dark');
}, { colorScheme: 'dark' }));

test('names are text, whatever they hold', () => onPage('/', async (page) => {
  await page.route('**/similar?*', async (route) => {
    const found = await (await route.fetch()).json();
    found.hits.forEach((hit) => Object.assign(hit, { path: NASTY, label: NASTY, label_name: NASTY }));
    await route.fulfill({ json: found });
  });
  await page.locator('#glance .picture').first().click();
  const card = (await results(page)).first();
  assert.equal(await card.locator('.label').textContent(), NASTY);
  assert.equal(await card.locator('.path').textContent(), NASTY);
}));

test('a busy server is asked again, and that is said', () => onPage('/', async (page) => {
  let refused = 0;
  const busy = { status: 503, headers: { 'Retry-After': '1' }, json: { error: { code: 'busy', message: 'the queue is full' } } };
  await page.route('**/similar?*', (route) => (refused++ < 1 ? route.fulfill(busy) : route.continue()));
  await page.locator('#glance .picture').first().click();
  await page.getByText('The server is busy.').waitFor();
  await results(page);
}, { expected: '503' }));

test('no answer is said plainly, and can be asked for again', () => onPage('/', async (page) => {
  await page.route('**/similar?*', (route) => route.abort());
  await page.locator('#glance .picture').first().click();
  await page.getByText('No answer from the server.').waitFor();
  await screenshot(page, 'unreachable');
  await page.unroute('**/similar?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await results(page);
}, { expected: 'ERR_FAILED' }));

test('what the server refuses is said in its words', () => onPage('/', async (page) => {
  await page.locator('#glance').waitFor();
  const refused = page.waitForResponse((response) => response.url().includes('/search'));
  await page.locator('#file').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  const { error } = await (await refused).json();
  await page.locator('.column .trouble', { hasText: error.message }).first().waitFor();
  await screenshot(page, 'error');
}, { expected: 'the server responded with a status of 4' }));

test('a new search ends the one before', () => onPage(searched(), async (page) => {
  const cards = await results(page);
  const failed = page.waitForEvent('requestfailed', (request) => request.url().includes('k=60'));
  await page.route('**/similar?*k=60*', () => {});
  await page.locator('#k').selectOption('60');
  await page.locator('#k').selectOption('12');
  assert.match((await failed).failure().errorText, /ABORTED/);
  await page.waitForFunction(() => document.querySelectorAll('.column:not([hidden]) .card').length === 12);
  assert.equal(await cards.count(), 12);
}));

// Needs the server's token, and leaves the collection as it was.
const withToken = { skip: !process.env.ALIKE_TOKEN && 'ALIKE_TOKEN is not set' };
test('a picture is added, labelled and removed once the token is given', withToken, () => onPage('/', async (page) => {
  const manage = page.locator('#manage');
  await page.locator('#glance').waitFor();
  await page.locator('#file').setInputFiles(await pictureOf(image.id, 'thumbnail?side=200'));
  await results(page);
  await page.locator('#query-more').click();
  await page.locator('#manage-label').fill('from a test');
  await manage.getByRole('button', { name: 'Add to the collection' }).click();
  for (const token of ['not it', process.env.ALIKE_TOKEN]) {
    await page.locator('#token[open]').waitFor();
    await page.locator('#token-text').fill(token);
    await page.locator('#token').getByRole('button', { name: 'Continue' }).click();
  }
  await waitForAddress(page, (address) => /^\d+$/.test(address.get('like')));
  const id = new URL(page.url()).searchParams.get('like');
  const labelled = async () => (await answer(`/api/v1/images/${id}`)).label;
  assert.equal(await labelled(), 'from a test');
  await page.locator('#query-more').click();
  await page.locator('#manage-label').fill('changed by a test');
  await manage.getByRole('button', { name: 'Save label' }).click();
  await page.getByText('Label saved.').waitFor();
  assert.equal(await labelled(), 'changed by a test');
  await page.locator('#query-more').click();
  await manage.getByRole('button', { name: 'Remove from the collection' }).click();
  await manage.getByRole('button', { name: 'Really remove it?' }).click();
  await page.getByText('Removed').first().waitFor();
  assert.equal((await answer('/api/v1/collection')).pictures, collection.pictures);
}, { expected: '401' }));
