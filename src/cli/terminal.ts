/** Where text for people goes: a terminal, on which a line can be redrawn, or anything else. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };
