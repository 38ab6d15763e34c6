import { join } from 'node:path';
import { z } from 'zod';
import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';
import { replaceFileSync } from '../../persistence/replace-file.ts';
import { print } from '../timeline/index.ts';
import { publicKeysOf } from './attest.ts';
import { type AuditSettings, requireText } from './audited-ledger.ts';

interface LayoutOptions {
  readonly keyFile: string;
  readonly attester: readonly string[];
  readonly days: number;
  readonly out: string;
}

/** What matters here of a conserver's config.yml. */
const Conserver = z.object({
  chains: z.record(z.string().min(1), z.object({ links: z.array(z.string().min(1)).nullish() })),
});

/** `vcon-otel audit layout`: signs, for each chain of a conserver, which links must run and who may attest them. @throws VconOtelError */
export async function layout(
  from: string | undefined,
  { keyFile, attester, days, out }: LayoutOptions,
  { stdout }: AuditSettings,
): Promise<void> {
  const { signedLayout, signerOfFile, writePublicKey } = await import('../../tracers/attest/verify/index.ts');
  const chains = await chainsOf(from ?? '');
  const signer = signerOfFile(keyFile);
  const attesters = await publicKeysOf(attester);
  const expires = new Date(Date.now() + days * 86_400_000);
  makeFolder(out);
  const files = chains.map(([chain, links]) => {
    const file = join(out, `${encodeURIComponent(chain)}.layout`);
    replaceFileSync(file, `${signedLayout({ chain, links, attesters, expires }, signer)}\n`);
    return `${file}  ${links.length} steps\n`;
  });
  const key = join(out, 'layout-key.pem');
  writePublicKey(key, signer);
  await print(stdout, [...files, `${key}  verifies them: keep it where nobody can replace it\n`]);
}

/** The chains of a config.yml that have links. @throws VconOtelError `CONFIG_INVALID`, `FILE_UNUSABLE` */
async function chainsOf(path: string): Promise<(readonly [string, readonly string[]])[]> {
  const { parse } = await import('yaml');
  const text = requireText(path);
  const written = (() => {
    try {
      return Conserver.safeParse(parse(text)).data;
    } catch {
      return undefined;
    }
  })();
  if (!written)
    throw new VconOtelError(
      'CONFIG_INVALID',
      `${path} is no config.yml of a conserver: it has no chains, or one whose links are no list of names`,
    );
  const chains = Object.entries(written.chains).map(([chain, { links }]) => [chain, links ?? []] as const);
  const some = chains.filter(([, links]) => links.length > 0);
  if (some.length === 0) throw new VconOtelError('CONFIG_INVALID', `${path} has no chain with links`);
  return some;
}
