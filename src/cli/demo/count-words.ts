/** Number of words in a text of any language. */
export function countWords(text: string): number {
  let words = 0;
  WORD.lastIndex = 0;
  while (WORD.test(text)) words += 1;
  return words;
}

/** Scripts without spaces between words: each character counts as a word, as in word processors. */
const UNSPACED = '[\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Thai}]';

/** Bounded: on megabytes without a space the engine would run out of stack. */
const WORD = new RegExp(
  `${UNSPACED}|[[\\p{L}\\p{N}]--${UNSPACED}][[\\p{L}\\p{M}\\p{N}'’]--${UNSPACED}]{0,100}`,
  'gv',
);
