import { hash } from 'node:crypto'

export function sha256(data: Buffer): Buffer {
  return hash('sha256', data, 'buffer')
}
