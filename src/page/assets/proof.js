/*
 * Checks a proof bundle as docs/ledger.md tells it ("The format of a bundle"), here and with WebCrypto: the service that sent it is not
 * believed in anything but what it signed.
 */

const encode = (text) => new TextEncoder().encode(text);
const bytesOf = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
const hexOf = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const isSame = (one, other) => hexOf(one) === hexOf(other);

/** Why nothing can be checked here; undefined where it can. @returns {string | undefined} */
export function obstacle() {
  if (!isSecureContext)
    return 'This page came neither over HTTPS nor from this machine, so the browser has no WebCrypto, and nothing can be verified here. Look at it through HTTPS or an SSH tunnel, or use audit verify --proof.';
  return crypto.subtle
    ? undefined
    : 'This browser has no WebCrypto: use audit verify --proof with the downloaded bundle.';
}

async function sha256(...parts) {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all));
}

/** A verifier key, `<name>+<id>+<base64>`. @param {string} text */
async function verifierOf(text) {
  const [, name = '', id = '', body = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const bytes = body ? bytesOf(body) : new Uint8Array();
  if (bytes.length !== 33 || bytes[0] !== 1) throw new Error('this is no verifier key of a ledger');
  if (hexOf(await sha256(encode(`${name}\n`), bytes)).slice(0, 8) !== id)
    throw new Error('the id of the verifier key does not belong to its name and key');
  try {
    const key = await crypto.subtle.importKey('raw', bytes.slice(1), 'Ed25519', false, ['verify']);
    return { name, id, key };
  } catch {
    throw new Error('this browser cannot verify Ed25519 signatures: use audit verify --proof');
  }
}

/** What a checkpoint says, once one of the keys has signed it. */
async function openCheckpoint(note, verifiers) {
  const end = note.lastIndexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text) ?? [];
  if (end === -1 || !origin) throw new Error('the checkpoint cannot be read');
  let by;
  for (const line of note
    .slice(end + 2)
    .trimEnd()
    .split('\n')) {
    const [, name, base64] = /^— ([^\s+]+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? [];
    if (!name) throw new Error('a signature of the checkpoint cannot be read');
    const bytes = bytesOf(base64);
    const known = verifiers.find((one) => one.name === name && one.id === hexOf(bytes.slice(0, 4)));
    if (!known) continue;
    if (!(await crypto.subtle.verify('Ed25519', known.key, bytes.slice(4), encode(text))))
      throw new Error('the checkpoint has a signature of this key that is none');
    by = known;
  }
  if (!by) throw new Error('the checkpoint is not signed by this key');
  return { origin, size: Number(size), root: bytesOf(root), by };
}

/** The root that a proof leads to (RFC 6962 §2.1.1), the leaf's sibling first; undefined for a proof of another length. */
async function rootOf(leaf, index, size, proof) {
  if (size === 1) return proof.length === 0 ? leaf : undefined;
  if (proof.length === 0) return undefined;
  // The largest power of two that is less than the size.
  let left = 1;
  while (left * 2 < size) left *= 2;
  const isLeft = index < left;
  const rest = proof.slice(0, -1);
  const own = isLeft
    ? await rootOf(leaf, index, left, rest)
    : await rootOf(leaf, index - left, size - left, rest);
  const other = proof.at(-1);
  return own && sha256(Uint8Array.of(1), ...(isLeft ? [own, other] : [other, own]));
}

/**
 * Checks a bundle with verifier keys.
 * @param {any} bundle @param {string[]} keys
 * @returns {Promise<{ origin: string, size: number, by: string, faults: Map<number, string> }>} and what is wrong with single records
 * @throws Error with a sentence, where the checkpoint is not signed as it says
 */
export async function checkBundle(bundle, keys) {
  const verifiers = await Promise.all(keys.map(verifierOf));
  const { origin, size, root, by } = await openCheckpoint(bundle.checkpoint, verifiers);
  const faults = new Map();
  let last = -1;
  for (const { index, record, proof } of bundle.records) {
    const fault = await faultOf(bundle, { index, record, proof, last, size, root });
    if (fault) faults.set(index, fault);
    last = index;
  }
  return { origin, size, by: `${by.name}+${by.id}`, faults };
}

async function faultOf({ vcon_uuid: vcon }, { index, record, proof, last, size, root }) {
  if (index <= last) return 'is there twice, or out of order';
  if (index >= size) return 'is beyond the checkpoint';
  const leaf = await sha256(Uint8Array.of(0), encode(record));
  const found = await rootOf(leaf, index, size, proof.map(bytesOf));
  if (!found || !isSame(found, root)) return 'does not lead to the root of the checkpoint';
  const said = JSON.parse(record);
  if (said.seq !== index) return 'is not a record of that place';
  return said.vcon_uuid === vcon || said.in_vcon_uuid === vcon ? undefined : 'is of another vCon';
}
