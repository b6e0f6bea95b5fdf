import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { run } from '../server.ts'

/** PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What a certificate may be used for (RFC 5280 §4.2.1.12). Public authorities give `serverAuth` alone by now. */
export type Purpose = 'serverAuth' | 'clientAuth'

/** A certificate authority that only this test knows. */
export class Authority {
  readonly #folder: string
  readonly #name: string

  private constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
  }

  /** Its files are in the folder. */
  static async make(folder: string, name: string): Promise<Authority> {
    const authority = new Authority(folder, name)
    await authority.#request(authority.#ca, `/CN=${name}`, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'])
    return authority
  }

  /** PEM file with its own certificate, to be believed. */
  get file(): string {
    return this.#ca.cert
  }

  /** For a domain and what stands beside it. */
  async certify(domain: string, beside: readonly string[], purposes: readonly Purpose[]): Promise<Certificate> {
    const certificate = { cert: join(this.#folder, `${domain}.crt`), key: join(this.#folder, `${domain}.key`) }
    const extensions = [
      `subjectAltName=${[domain, ...beside].map(name => `DNS:${name}`)}`,
      `extendedKeyUsage=${purposes}`,
      'keyUsage=critical,digitalSignature',
      'basicConstraints=critical,CA:FALSE',
    ]
    await this.#request(certificate, `/CN=${domain}`, extensions, ['-CA', this.#ca.cert, '-CAkey', this.#ca.key])
    return certificate
  }

  get #ca(): Certificate {
    return { cert: join(this.#folder, `${this.#name}.crt`), key: join(this.#folder, `${this.#name}.key`) }
  }

  async #request({ cert, key }: Certificate, subject: string, extensions: readonly string[], more: readonly string[] = []): Promise<void> {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const serial = ['-days', '2', '-set_serial', `0x${randomBytes(8).toString('hex')}`]
    const added = extensions.flatMap(extension => ['-addext', extension])
    await run('openssl', ['req', '-x509', ...curve, ...serial, '-keyout', key, '-out', cert, '-subj', subject, ...added, ...more])
  }
}
