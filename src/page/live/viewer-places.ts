import { PeerPlaces } from '../../incoming/peers.ts';

export const MAX_VIEWERS = 100;
/** Of one peer, so that none can take them all. Many may look through one proxy. */
const MAX_OF_PEER = 75;

/** The places of those who look at once. */
export class ViewerPlaces {
  readonly #ofPeers = new PeerPlaces(MAX_OF_PEER);
  #taken = 0;

  /** Why somebody at an address cannot look now, in words; undefined where there is a place. */
  noneFor(address: string): string | undefined {
    if (this.#taken >= MAX_VIEWERS) return `${MAX_VIEWERS} look already`;
    return this.#ofPeers.hasOneFor(address) ? undefined : `${MAX_OF_PEER} look from this address already`;
  }

  /** @returns gives the place back, to be called once */
  take(address: string): () => void {
    const giveBack = this.#ofPeers.take(address);
    this.#taken += 1;
    return () => {
      this.#taken -= 1;
      giveBack();
    };
  }
}
