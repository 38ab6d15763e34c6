import { useEffect, useRef, useState } from 'preact/hooks';
import { ask } from './ask.js';
import { subscribe } from './feed.js';

/** Draws a component again whenever the service has said something. */
export function useFeed() {
  const [, draw] = useState(0);
  useEffect(() => subscribe(() => draw((count) => count + 1)), []);
}

/** Draws a component again and again, while it is on the screen. @param {number} interval milliseconds */
export function useTicks(interval) {
  const [, draw] = useState(0);
  useEffect(() => {
    const slow = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const timer = setInterval(() => !document.hidden && draw((count) => count + 1), slow ? 1_000 : interval);
    return () => clearInterval(timer);
  }, [interval]);
}

/**
 * Asks the service, and again whenever `again` changes: what was answered last stays until the next answer.
 * @param {string | undefined} address @param {unknown} [again]
 * @returns {{ value?: any, error?: string }}
 */
export function useAnswer(address, again) {
  const [answer, setAnswer] = useState({ address: undefined });
  const asked = useRef(0);
  useEffect(() => {
    if (address === undefined) return;
    asked.current += 1;
    const number = asked.current;
    const take = (what) => number === asked.current && setAnswer({ address, ...what });
    ask(address).then(
      (value) => take({ value }),
      (error) => take({ error: error.message }),
    );
  }, [address, again]);
  return answer.address === address ? answer : {};
}
