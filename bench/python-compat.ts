/**
 * What the `python-compat` hash of a document takes, beside what parsing and writing it with JSON.parse and
 * JSON.stringify does: in turn, in one process. Of a vCon of English text, and of one of Japanese, each of whose
 * characters Python writes as six.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pythonJson } from '../src/tracers/jlinc/python-json.ts';
import { median, printTable, SHORT, spread } from './measure.ts';

const ROUNDS = SHORT ? 3 : 21;
const TIMES = SHORT ? 2 : 40;
const WARM_UP = SHORT ? 2 : 200;
/** Characters of the documents. */
const SIZE = 276_000;

const vcons = join(import.meta.dirname, '..', 'examples', 'vcons');
const read = (name: string) => readFileSync(join(vcons, `${name}.vcon.json`), 'utf8');

const english = read('council-meeting-en');
const japanese = read('hotel-chat-ja');
const documents = {
  English: english,
  Japanese: `[${Array.from({ length: Math.ceil(SIZE / japanese.length) }, () => japanese).join()}]`,
};

for (const [language, text] of Object.entries(documents)) report(language, text);

function report(language: string, text: string): void {
  const ways: Readonly<Record<string, () => unknown>> = {
    'JSON.parse, JSON.stringify': () => JSON.stringify(JSON.parse(text)),
    'python-compat, the bytes': () => pythonJson(text),
    'python-compat, the hash': () => createHash('sha256').update(pythonJson(text)).digest('hex'),
  };
  const rounds = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (const way of Object.values(ways)) repeat(way, WARM_UP);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, way] of Object.entries(ways)) rounds.get(name)?.push(repeat(way, TIMES) / TIMES);
  const native = median(rounds.get('JSON.parse, JSON.stringify') ?? []);
  printTable(
    `A document of ${text.length.toLocaleString('en')} characters, ${language} (${ROUNDS} rounds in turn)`,
    [
      ['', 'ms', 'of native', 'spread'],
      ...[...rounds].map(([name, times]) => [
        name,
        median(times).toFixed(2),
        `${(median(times) / native).toFixed(2)} ×`,
        `${spread(times).toFixed(0)} %`,
      ]),
    ],
  );
}

/** Milliseconds of processor time: who else uses the machine does not count. */
function repeat(work: () => unknown, times: number): number {
  const before = process.threadCpuUsage();
  for (let time = 0; time < times; time += 1) work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e3;
}
