/**
 * The key store of the system as a port: it seals bytes so that only this account on this computer can open them. Both may fail,
 * with whatever the system says; `open` may hand out other bytes than were sealed where they were changed.
 */
export interface SecretBox {
  seal(plain: Buffer): Buffer;
  open(sealed: Buffer): Buffer;
}

/** What whoever starts a host has of it. `whyNone`: in words, as a sentence. */
export type KeyStore = { readonly box: SecretBox } | { readonly box: null; readonly whyNone: string };
