import { type Db, type Dialect, type Migrations, StorageError, sql } from './db.ts'

/** Runs work in a transaction; `script` runs SQL of several statements in it. */
type Begin = <T>(work: (db: Db, script: (text: string) => Promise<void>) => Promise<T>) => Promise<T>

/** Brings each owner's tables to the newest step, each owner whole or not at all. Refuses a database newer than the program. */
export async function migrate(begin: Begin, dialect: Dialect, migrations: readonly Migrations[]): Promise<void> {
  await begin((_, script) => script('CREATE TABLE IF NOT EXISTS schema_version (owner TEXT PRIMARY KEY, version BIGINT NOT NULL)'))
  for (const { owner, steps } of migrations)
    await begin(async (db, script) => {
      const [row] = await db.all<{ version: number }>(sql`SELECT version FROM schema_version WHERE owner = ${owner}`)
      const version = row?.version ?? 0
      if (version > steps.length)
        throw new StorageError(
          'unreadable',
          `the tables of "${owner}" are at version ${version}, but this program knows only ${steps.length}: it is older than its database`,
        )
      if (version === steps.length) return
      for (const step of steps.slice(version)) await script(step(dialect))
      await db.run(sql`INSERT INTO schema_version (owner, version) VALUES (${owner}, ${steps.length})
        ON CONFLICT (owner) DO UPDATE SET version = excluded.version`)
    })
}
