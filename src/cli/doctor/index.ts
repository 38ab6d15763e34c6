//  What is wrong with the things that a configuration names, found out before a service needs them. A probe checks one of
//  them and changes nothing; each has its own file, and diagnose.ts runs them all.

export { type Diagnosis, diagnose } from './diagnose.ts';
