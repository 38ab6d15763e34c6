/** `340 ms`, `4.2 s`, `1 m 05 s`, `2 h 03 m`. @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return '–';
  if (seconds < 0.001) return `${Math.round(Math.max(0, seconds) * 1e6)} µs`;
  if (seconds < 0.01) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1e3)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86_400)} d ${two(Math.floor((whole % 86_400) / 3600))} h`;
}

/** A time of day, with the date where that is another. @param {number} millis since the Unix epoch */
export function time(millis) {
  const date = new Date(millis);
  const clock = date.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? clock : `${date.toLocaleDateString([], { month: 'short', day: 'numeric' })} ${clock}`;
}

/** In the form that sorts and can be pasted anywhere. @param {number} millis */
export const isoTime = (millis) => new Date(millis).toISOString();

/** @param {number} count */
export const number = (count) => count.toLocaleString('en');

/** A rate for a person. @param {number} perSecond */
export function rate(perSecond) {
  if (perSecond === 0) return '0/s';
  return perSecond < 10 ? `${perSecond.toFixed(1)}/s` : `${number(Math.round(perSecond))}/s`;
}

/** The beginning of a uuid: enough to tell it from the others on a screen. @param {string | null} uuid */
export const shortUuid = (uuid) => (uuid === null ? '?' : uuid.length > 13 ? uuid.slice(0, 8) : uuid);

/** The least round number that is not below. @param {number} value */
export function roundUp(value) {
  if (value <= 0) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((one) => one * magnitude >= value - 1e-9) ?? 10;
  return step * magnitude;
}

/** Round places on an axis. @param {number} from @param {number} to @param {number} most how many */
export function ticks(from, to, most) {
  const span = to - from;
  if (span <= 0) return [];
  const rough = span / most;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * magnitude).find((one) => one >= rough) ?? rough;
  const places = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-6; at += step) places.push(at);
  return places;
}
