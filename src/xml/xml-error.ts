/** Stream error conditions that XML itself can cause (RFC 6120 §4.9.3). */
export type XmlCondition = 'not-well-formed' | 'restricted-xml' | 'bad-namespace-prefix' | 'unsupported-encoding' | 'policy-violation'

/** What is wrong with the XML received. The message is made of fixed words: nothing of the input is in it. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  readonly condition: XmlCondition

  constructor(condition: XmlCondition, message: string = condition) {
    super(message)
    this.condition = condition
  }
}

export const malformed = (why: string): XmlError => new XmlError('not-well-formed', why)
