/** Who sent a fact, by the name that the configuration gives to the token it came with. */
export interface Sent {
  readonly sender?: string | undefined;
}
