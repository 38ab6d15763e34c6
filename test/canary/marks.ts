/** In every value that must not get out, and in nothing else. */
export const MARK = 'kanari';
/** For values that have to look like what they are. */
export const MARKED_TEL = '+15550137742';

/** Everything that gives a marked value away, whatever wrote it: the word in any case and as base64 or hex, the number. */
export const GIVEAWAYS: readonly RegExp[] = [
  new RegExp(MARK, 'i'),
  // With its area code, however that is set apart, or alone; but a measured 0.001377422 seconds is no number of anybody's.
  /555\D{0,2}0137742|(?<!\d|\d\.)0137742/,
  ...[MARK, MARK.toUpperCase()].flatMap((word) => [
    new RegExp(Buffer.from(word).toString('hex'), 'i'),
    ...[0, 1, 2].map((offset) => new RegExp(inBase64(word, offset))),
  ]),
];

/** The letters that a word has in base64 at any place, without those that depend on its neighbours. */
function inBase64(word: string, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), Buffer.from(word)]).toString('base64');
  return text.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + word.length) * 4) / 3));
}
