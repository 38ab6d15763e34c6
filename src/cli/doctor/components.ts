import type { z } from 'zod';
import type { Component, ProbeSettings } from '../../model/component.ts';
import { errorType } from '../../model/error.ts';
import { type Finding, ok, problem, warning } from '../../model/finding.ts';
import { exposures } from '../../persistence/private-file.ts';
import type { ReceiverSurroundings } from '../../receivers/receiver.ts';
import { componentFaults, type NamedComponent } from '../../service/named-component.ts';
import type { Probe } from './probe.ts';

/** What a look is made with, beside the component's name. */
type Look = Omit<ProbeSettings & Partial<ReceiverSurroundings>, 'name'>;

/** What is to be looked at: a definition that may say how, or a module that simply exports a tracer's functions. */
type Probed = Pick<Component<z.ZodType, never, unknown, ProbeSettings & Look>, 'probe' | 'remarks' | 'files'>;

/** Whether each component can be loaded, likes its options, and finds what it depends on. */
export function probesOf(components: readonly NamedComponent<object>[], look: Look): Probe[] {
  return components.map((component) => ({ about: component.path, look: () => lookAt(component, look) }));
}

async function lookAt(component: NamedComponent<Probed>, look: Look): Promise<readonly Finding[]> {
  const faults = await componentFaults(component);
  if (faults.length > 0) return faults.map(({ path, message }) => problem(`${path}: ${message}`));
  const { definition, options, lacks = [] } = await component.find();
  const known = [
    ...lacks.map(({ message }) => problem(message)),
    ...(component.notes ?? []).map((text) => ok(text)),
    ...(definition.remarks?.(options) ?? []).map((text) => warning(text)),
  ];
  const open = exposures(definition.files?.(options) ?? []).map((text) => warning(text));
  if (!definition.probe)
    return [...known, ok('its module and options are right; it does not say what it depends on'), ...open];
  try {
    return [...known, ...(await definition.probe(options, { name: component.name, ...look })), ...open];
  } catch (error) {
    // The error's own message may quote an option, which may be a secret.
    return [problem(`what it depends on could not be looked at (${errorType(error)})`)];
  }
}
