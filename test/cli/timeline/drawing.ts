import { drawRuns, type TimelineRun, type TimelineStep } from '../../../src/cli/timeline/index.ts';
import { VCON } from './recording.ts';
import { allOf, parseXml, textIn, type XmlElement } from './strict-xml.ts';

export const OTHER_VCON = '0198cccc-0000-8000-8000-000000000003';
export const START = Date.UTC(2026, 0, 31, 12);

export const RUN: TimelineRun = {
  runId: 'b7ad6b7169203331',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  chain: 'intake',
  vconUuid: VCON,
  outVconUuid: VCON,
  outcome: 'complete',
  errorType: undefined,
  start: START,
  duration: 0.1,
  truncated: false,
  late: 0,
  linkedFrom: [],
  steps: [],
  inferred: [],
};

export const STEP: TimelineStep = {
  stage: 'link',
  name: 'tag',
  index: 0,
  outcome: 'success',
  errorType: undefined,
  start: 0,
  duration: 0.1,
  depth: 0,
  vconUuid: VCON,
  outVconUuid: VCON,
};

export const draw = (...runs: Partial<TimelineRun>[]) => drawAt(undefined, ...runs);
/** @param width the usual one by default */
export const drawAt = (width: number | undefined, ...runs: Partial<TimelineRun>[]) =>
  parseXml(
    drawRuns(
      runs.map((run) => ({ ...RUN, ...run })),
      width,
    ),
  );
export const drawSteps = (...steps: Partial<TimelineStep>[]) =>
  draw({ steps: steps.map((step) => ({ ...STEP, ...step })) });

export const has = (style: string) => (of: XmlElement) => of.attributes.class?.split(' ').includes(style);
export const number = (of: XmlElement | undefined, name: string) => Number(of?.attributes[name]);
export const cards = (root: XmlElement) => allOf(root, 'rect').filter(has('card'));
export const bars = (root: XmlElement) => allOf(root, 'rect').filter(has('bar'));
export const stepBars = (root: XmlElement) => bars(root).filter((bar) => number(bar, 'height') > 5);
export const texts = (root: XmlElement) => allOf(root, 'text').map(textIn);
/** Of what has a tooltip that begins like this: a run or a step. */
export const group = (root: XmlElement, beginning: string): XmlElement => {
  const found = allOf(root, 'g').find(({ content: [first] }) => {
    return typeof first === 'object' && first.name === 'title' && textIn(first).startsWith(beginning);
  });
  if (!found) throw new Error(`nothing is called ${beginning}`);
  return found;
};
export const tooltip = (root: XmlElement, beginning: string) =>
  textIn(allOf(group(root, beginning), 'title')[0] as XmlElement);
