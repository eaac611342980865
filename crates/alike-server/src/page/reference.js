// Draws the API's description: each operation with its parameters, bodies and answers.

const element = (tag, text, ...children) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
};

const row = (cell, ...texts) => element('tr', '', ...texts.map((text) => element(cell, text)));

const table = (titles, rows) => element('table', '', row('th', ...titles), ...rows.map((cells) => row('td', ...cells)));

/** Follows references to the schemas' own names. */
function shape(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.type === 'array' && schema.items && !schema.contentEncoding) return `${shape(schema.items)}[]`;
  const type = [schema.type ?? 'any'].flat().join(' or ');
  const limits = [['minimum', 'from'], ['maximum', 'to'], ['default', 'usually']];
  return [type, ...limits.filter(([key]) => key in schema).map(([key, word]) => `${word} ${schema[key]}`)].join(', ');
}

const bodies = (content) => Object.entries(content ?? {}).map(([type, { schema }]) => `${type}: ${shape(schema)}`).join('; ');

function operation(path, method, described) {
  const name = element('h3', '', element('code', method), ` ${path}`);
  name.firstChild.className = 'method';
  const drawn = element('article', '', name, element('p', described.summary));
  if (described.description) drawn.append(element('p', described.description));
  if (described.security) drawn.append(element('p', 'Needs the token: Authorization: Bearer TOKEN.'));
  const parameters = described.parameters ?? [];
  if (parameters.length) {
    const cells = ({ name, required, schema, description }) => [name + (required ? '' : ' (optional)'), shape(schema), description];
    drawn.append(table(['parameter', 'type', 'what it is'], parameters.map(cells)));
  }
  if (described.requestBody) drawn.append(element('p', `Body: ${bodies(described.requestBody.content)}`));
  const answers = Object.entries(described.responses);
  drawn.append(table(['answer', 'when', 'body'], answers.map(([status, { description, content }]) => [status, description, bodies(content)])));
  return drawn;
}

const schema = ([name, described]) =>
  element('article', '', element('h3', name), element('p', described.description), element('pre', JSON.stringify(described, null, 2)));

async function draw() {
  const main = document.getElementById('operations');
  const description = await (await fetch('/api/v1/openapi.json')).json();
  for (const tag of description.tags) {
    main.append(element('h2', tag.name), element('p', tag.description));
    for (const [path, item] of Object.entries(description.paths)) {
      for (const [method, described] of Object.entries(item)) {
        if (described.tags?.includes(tag.name)) main.append(operation(path, method, described));
      }
    }
  }
  main.append(element('h2', 'schemas'), ...Object.entries(description.components.schemas).map(schema));
  main.setAttribute('aria-busy', 'false');
}

draw();
