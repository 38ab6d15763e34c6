export type { LiveOptions } from '../../config/live-place.ts';
export { tableLines } from './columns.ts';
export { LiveState } from './live-state.ts';
export { outcomeStyle, type Paint, painter } from './paint.ts';
export { Screen } from './screen.ts';
export type { LiveSource } from './source.ts';
export { openSource, takesSource } from './take-source.ts';
