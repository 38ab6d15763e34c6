/** Under `receivers.assembler`: whatever time something claims is believed. For recordings, which have times of their own. */
export const ANY_TIME = { oldest: '36500d', ahead: '36500d' } as const;
