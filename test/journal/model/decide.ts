import type { Decision } from './driver.ts';
import type { JournalModel, Place } from './model.ts';
import { isDead, isOpen, type Standing } from './standing.ts';

/** An operator decides, when everything so far is durable; and so is the decision, at once. */
export function decide(model: JournalModel, decision: Decision): void {
  const { consumer: name } = decision;
  const place = model.places.get(name) ?? model.addPlace(name);
  const standings = model.standings(name);
  for (const { serial, id } of model.log) {
    const one = standings.get(serial);
    if (decision.decide === 'replay') {
      const isMeant = serial >= decision.from && serial < decision.to;
      if (isMeant && isSettled(place, serial, one)) model.notes.add(name, serial, { state: 'again' });
    } else if (one && (decision.ids?.includes(id) ?? isDead(one))) {
      if (decision.decide === 'again' && isDead(one)) model.notes.add(name, serial, { state: 'again' });
      if (decision.decide === 'skip' && (isDead(one) || isOpen(one))) {
        model.notes.add(name, serial, { state: 'skipped' });
        if (place.life?.hand.has(serial)) place.life.doomed.add(serial);
      }
    }
  }
  model.notes.save();
  if (place.life) place.life.isStale = true;
  place.isDecided = true;
  for (const other of model.places.values()) other.isDecided ||= other.life !== undefined;
}

/** Of what is `unheard` there may be no record: if it was not passed, the journal looks upon it as open. */
function isSettled({ passed }: Place, serial: number, one: Standing | undefined): boolean {
  return one?.state === 'unheard' ? serial < passed : !one || !isOpen(one);
}
