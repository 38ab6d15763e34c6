import { attestedName, digestOf, type LinkStatement } from '../statement.ts';
import type { AttestationFinding, AttestationFindingName } from './finding.ts';

/** What was found of a run. */
export interface CheckedRun {
  readonly findings: readonly AttestationFinding[];
  /** Whether its end is attested. Without it, it may be under way. */
  readonly ended: boolean;
  /** Steps that were given a document of which nobody knows whether it is what the step before left. */
  readonly uncompared: number;
}

/**
 * Compares what is attested of one run: each statement once, verified.
 * @param steps as the layout of its chain has them; absent: as the run itself says
 */
export function checkRun(statements: readonly LinkStatement[], steps?: readonly string[]): CheckedRun {
  const findings: AttestationFinding[] = [];
  const [first] = statements;
  if (!first) return { findings, ended: false, uncompared: 0 };
  const { chain, run_id: run } = first.predicate.environment;
  const find = (finding: AttestationFindingName, step?: string) =>
    findings.push({ finding, run, chain, ...(step === undefined ? {} : { step }) });

  const ends = statements.filter(({ predicate }) => predicate.environment.stage === 'chain');
  const [end] = ends;
  if (ends.length > 1) find('repeated');
  const links = linksByIndex(statements);
  const given = longestLinks(statements);
  const expected = steps ?? given.map((_, index) => attestedName(given, index));

  for (const { predicate } of statements) {
    const { name, environment } = predicate;
    if (environment.chain !== chain || !isStartOf(environment.links, given)) find('contradiction', name);
  }
  for (const [index, [link, ...others]] of links) {
    const { name, environment } = link.predicate;
    if (others.length > 0) find('repeated', name);
    if (attestedName(environment.links, index) !== name) find('contradiction', name);
  }
  const inOrder = [...links].sort(([one], [other]) => one - other).map(([, [link]]) => link);
  const places = inOrder.map(({ predicate }) => expected.indexOf(predicate.name));
  for (const [at, place] of places.entries()) {
    const name = inOrder[at]?.predicate.name;
    if (place === -1) find('foreign', name);
    else if (place < Math.max(...places.slice(0, at))) find('reordered', name);
  }
  const isComplete = end?.predicate.byproducts.outcome === 'complete';
  const reached = isComplete ? expected.length : Math.max(0, ...places);
  const attested = new Set(inOrder.map(({ predicate }) => predicate.name));
  for (const name of new Set([...expected.slice(0, reached), ...gaps(links, given)]))
    if (!attested.has(name)) find('skipped', name);
  for (const name of beyondEnd(links)) find('after_end', name);
  if (end && contradictsEnd(links, end)) find('contradiction');
  let uncompared = 0;
  for (const [place, link] of inOrder.entries()) {
    const before = inOrder[place - 1];
    if (hasWrongTimes(link, before)) find('other_time', link.predicate.name);
    if (!before || !isNext(before, link)) continue;
    if (differs('vcon', before, link)) find('other_vcon', link.predicate.name);
    const compared = differs('document', before, link);
    if (compared) find('changed', link.predicate.name);
    if (compared === undefined) uncompared += 1;
  }
  const last = inOrder.at(-1);
  if (end && last && hasWrongTimes(end, undefined, last)) find('other_time');
  return { findings, ended: end !== undefined, uncompared };
}

type Links = ReadonlyMap<number, readonly [LinkStatement, ...LinkStatement[]]>;

function linksByIndex(statements: readonly LinkStatement[]): Links {
  const links = new Map<number, [LinkStatement, ...LinkStatement[]]>();
  for (const statement of statements) {
    const { stage, index } = statement.predicate.environment;
    if (stage !== 'link' || index === undefined) continue;
    const there = links.get(index);
    if (there) there.push(statement);
    else links.set(index, [statement]);
  }
  return links;
}

/** The links of a run whose start was not heard become known one by one. */
function longestLinks(statements: readonly LinkStatement[]): readonly string[] {
  const lists = statements.map(({ predicate }) => predicate.environment.links);
  return lists.reduce((longest, list) => (list.length > longest.length ? list : longest), []);
}

function isStartOf(links: readonly string[], all: readonly string[]): boolean {
  return links.every((link, index) => link === all[index]);
}

/** The links before the last one of which nothing is attested, by the run's own list. */
function gaps(links: Links, given: readonly string[]): string[] {
  const names = given.map((_, index) => attestedName(given, index));
  return names.slice(0, Math.max(0, ...links.keys())).filter((_, index) => !links.has(index));
}

function beyondEnd(links: Links): string[] {
  const lasts = [...links].flatMap(([index, [{ predicate }]]) => {
    const { outcome } = predicate.byproducts;
    return outcome === 'halt' || outcome === 'error' ? [index] : [];
  });
  const last = Math.min(...lasts);
  return [...links].flatMap(([index, [{ predicate }]]) => (index > last ? [predicate.name] : []));
}

function contradictsEnd(links: Links, end: LinkStatement): boolean {
  const outcomes = [...links.values()].map(([{ predicate }]) => predicate.byproducts.outcome);
  const { outcome } = end.predicate.byproducts;
  if (outcome === 'complete') return outcomes.includes('error') || outcomes.includes('halt');
  if (outcome === 'halted') return !outcomes.some((link) => link === 'halt' || link === 'unknown');
  return outcome !== 'error' && outcomes.includes('error');
}

function isNext(before: LinkStatement, link: LinkStatement): boolean {
  return (before.predicate.environment.index ?? 0) + 1 === link.predicate.environment.index;
}

/** Whether a step was given something else than the one before it has left; undefined where that is not known. */
function differs(what: 'vcon' | 'document', before: LinkStatement, link: LinkStatement): boolean | undefined {
  const [left, given] = [digestOf(before.subject, what), digestOf(link.predicate.materials, what)];
  return left === undefined || given === undefined ? undefined : left !== given;
}

/** Milliseconds by which two clocks of one machine may differ. */
const TOLERANCE = 100;

/** @param before a step that has to have ended when this begins; @param within one that has to have ended when this ends */
function hasWrongTimes(of: LinkStatement, before?: LinkStatement, within?: LinkStatement): boolean {
  const [own, earlier, inner] = [of, before, within].map((statement) => statement && timesOf(statement));
  if (!own) return false;
  if (own.started > own.ended) return true;
  if (earlier && own.started + TOLERANCE < earlier.ended) return true;
  return (
    inner !== undefined && (own.ended + TOLERANCE < inner.ended || own.started > inner.started + TOLERANCE)
  );
}

/** Undefined where they were concluded. */
function timesOf({ predicate }: LinkStatement): { started: number; ended: number } | undefined {
  const { started, ended, inferred = [] } = predicate.byproducts;
  if (inferred.includes('time') || inferred.includes('duration')) return undefined;
  const end = Date.parse(ended);
  return { started: started === undefined ? end : Date.parse(started), ended: end };
}
