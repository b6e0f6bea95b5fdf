/** `xmpp:example.org?register;preauth=…`, with a name if one is reserved (XEP-0445 §2). */
export function registerUri(domain: string, name: string | undefined, token: string): string {
  const address = name === undefined ? encodeURIComponent(domain) : `${encodeURIComponent(name)}@${encodeURIComponent(domain)}`
  return `xmpp:${address}?register;preauth=${token}`
}

/** `xmpp:romeo@example.org?roster;preauth=…`; with `ibr=y` where the token may also be used to make an account (XEP-0401 §4.1). */
export function rosterUri(domain: string, inviter: string, token: string, mayRegister: boolean): string {
  return `xmpp:${encodeURIComponent(inviter)}@${encodeURIComponent(domain)}?roster;preauth=${token}${mayRegister ? ';ibr=y' : ''}`
}
