/** One part of a domain name, in the letters that DNS knows (RFC 1123 §2.1); undefined for what is none. */
export const readLabel = (text: string): string | undefined => (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? text : undefined)
