/** A duration for a person, in nine characters at most: `520 µs`, `7.3 ms`, `3.44 s`, `2 m 05 s`, `3 h 20 m`, `12 d`. */
export function formatDuration(seconds: number): string {
  const micros = seconds * 1e6;
  if (micros < 999.5) return `${Math.round(micros)} µs`;
  const millis = seconds * 1e3;
  if (millis < 9.95) return `${millis.toFixed(1)} ms`;
  if (millis < 999.5) return `${Math.round(millis)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 6000) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  return `${Math.round(seconds / 86_400)} d`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
