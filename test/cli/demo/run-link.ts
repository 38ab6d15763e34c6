import type { Link, LinkResult, Step } from '../../../src/model/chain.ts';
import { memoryVconStore } from '../../../src/vcon-store/memory.ts';

/** What a link answered and what it left in the store. */
export interface LinkRun {
  readonly answer: LinkResult;
  /** The document under the uuid it answered with, or where it halted, under the uuid it was given. */
  readonly text: string;
  /** The document under the uuid it was given. */
  readonly entered: string;
}

/** Runs one link on a document. Rejects with what the link throws. */
export async function runLink(link: Link, text: string, uuid = 'entered'): Promise<LinkRun> {
  const vcons = memoryVconStore();
  await vcons.write(uuid, text);
  const answer = await link.run(uuid, stepFor(link.name, vcons));
  const read = async (key: string) => (await vcons.read(key)) ?? '';
  return { answer, text: await read(answer || uuid), entered: await read(uuid) };
}

/** A step as the chain runner hands it over. */
export function stepFor(name: string, vcons: Step['vcons'], signal = new AbortController().signal): Step {
  return { name, options: {}, vcons, signal };
}
