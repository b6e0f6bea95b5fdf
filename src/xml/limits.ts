/** What one peer may make the parser hold. All of it counts per child of the stream header, and for the header itself. */
export interface XmlLimits {
  readonly bytes: number
  readonly elements: number
  /** A stanza has depth 1, its payload 2. */
  readonly depth: number
  /** Per element, namespace declarations included. */
  readonly attributes: number
  /** Of a prefix or local name; 256 if not given. */
  readonly nameLength?: number
}

/** Prefixes in force at one place. Looking one up walks through them, so their number bounds the work; real streams use three. */
export const MOST_PREFIXES = 32
export const LONGEST_NAME = 256

/** For XML of our own making or already admitted once: generous, but never without end. */
export const STORED_XML_LIMITS: XmlLimits = { bytes: 2 ** 22, elements: 2 ** 16, depth: 128, attributes: 256 }
