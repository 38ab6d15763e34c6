import { z } from 'zod';
import { closed, listening } from '../incoming/listening.ts';
import { parseVerifierKey } from '../ledger/index.ts';
import { section } from '../model/options/section.ts';
import { matching, text } from '../model/options/values.ts';
import { ConfigError } from './config-error.ts';
import { explainIssue, faultsOf } from './explain.ts';
import type { Env } from './interpolate.ts';
import { located } from './load-config.ts';
import { readConfigText } from './read-text.ts';
import { readYaml } from './yaml.ts';

const verifierKey = text.refine(isVerifierKey, {
  params: { expected: 'a verifier key <name>+<id>+<base64>, as `vcon-otel audit keygen` prints it' },
});

/** What `vcon-otel witness` is told (docs/ledger.md): strict, like the configuration of a service. */
const WitnessConfig = closed(
  z.strictObject({
    name: matching(/^[^\s+]{1,256}$/, 'a name such as witness.example.com/w1, without spaces and +'),
    key_file: text,
    directory: text.default('./data/witness'),
    logs: z
      .array(
        section(
          z.strictObject({
            key: verifierKey,
            // Absent: the name of the key.
            origin: text.optional(),
          }),
        ),
      )
      .min(1),
    ...listening(4420),
  }),
);
export type WitnessConfig = z.output<typeof WitnessConfig>;

/**
 * Loads the YAML file of a witness, with its `${VARIABLES}` filled in.
 * @throws ConfigError `CONFIG_UNREADABLE`, or `CONFIG_INVALID` with every fault; never quoting a value
 */
export async function loadWitnessConfig(file: string, env: Env = process.env): Promise<WitnessConfig> {
  const { value, faults, placeOf } = readYaml(await readConfigText(file), env);
  const { data, error } = WitnessConfig.safeParse(value ?? {}, { error: explainIssue });
  const all = [...faults, ...(error?.issues ?? []).flatMap(faultsOf)];
  if (data && all.length === 0) return data;
  throw new ConfigError('CONFIG_INVALID', located(all, placeOf));
}

function isVerifierKey(vkey: string): boolean {
  try {
    parseVerifierKey(vkey);
    return true;
  } catch {
    return false;
  }
}
