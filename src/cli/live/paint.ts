import { styleText } from 'node:util';

/** How a text is to look. */
export type Style = 'good' | 'halt' | 'bad' | 'quiet' | 'strong' | 'running';

/** Gives a text a look, where there are colours. */
export type Paint = (look: Style, text: string) => string;

const STYLES = {
  good: 'green',
  halt: 'yellow',
  bad: 'red',
  quiet: 'dim',
  strong: 'bold',
  running: 'cyan',
} as const;

export function painter(colour: boolean): Paint {
  return (look, text) => (colour ? styleText(STYLES[look], text, { validateStream: false }) : text);
}

/** How something ended, by a mark too: nobody has to tell colours apart. */
export function outcomeStyle(outcome: string | null): { readonly mark: string; readonly look: Style } {
  if (outcome === 'complete' || outcome === 'success') return { mark: '✓', look: 'good' };
  if (outcome === 'halted' || outcome === 'halt') return { mark: '⏹', look: 'halt' };
  if (outcome === 'error') return { mark: '✗', look: 'bad' };
  return { mark: '?', look: 'quiet' };
}
