//  What is wrong with the things that a configuration names, said before a service needs them. A probe looks at one of
//  them and changes nothing; each has its own file, and diagnose.ts asks them all.

export { type Diagnosis, diagnose } from './diagnose.ts';
