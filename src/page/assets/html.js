import htm from 'htm';
import { h } from 'preact';

/** Makes elements of tagged templates: what JSX is elsewhere, without a build. */
export const html = htm.bind(h);
