export { builtInTracers } from './built-in-tracers.ts';
