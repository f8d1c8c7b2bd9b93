import { RackwrightError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Document } from '../../model/document.ts';
import type { Backend, Form } from '../backend.ts';
import { declaredFields } from '../query.ts';
import type { CollectionSpec } from '../repository.ts';
import { liftDocument, newerError, type Lineage, type Migrations } from './lift.ts';

const pageSize = 200;

export interface UpgradeDeps {
  readonly backend: Backend;
  readonly specs: Readonly<Record<string, CollectionSpec>>;
  readonly migrations: Migrations;
  readonly log?: Log | undefined;
}

/**
 * Brings a store that was just opened to this program's forms: refuses one that a newer program wrote, and rewrites the
 * collections whose form or declared fields have changed, so that filters and indexes see the new fields. Killed
 * half-way it starts again at the next opening: lifting what was lifted already changes nothing.
 */
export async function upgrade({ backend, specs, migrations, log }: UpgradeDeps): Promise<void> {
  const stored = await backend.forms();
  for (const [name, form] of Object.entries(stored)) {
    const known = specs[name]?.schemaVersion;
    if (known !== undefined && form.schemaVersion > known) {
      throw newerError(`the collection ${name}`, form.schemaVersion, known);
    }
  }
  const current = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, formOf(spec)]));
  const changed = Object.entries(current).filter(([name, form]) => stored[name] && !sameForm(stored[name], form));
  for (const [name, form] of changed) {
    log?.info({ event: 'store.upgrade', collection: name, to: form.schemaVersion }, 'rewriting a collection');
    await rewrite(backend, { name, schemaVersion: form.schemaVersion, migrations: migrations[name] ?? [] });
  }
  const isNew = Object.keys(current).some((name) => stored[name] === undefined);
  if (isNew || changed.length > 0) await backend.saveForms({ ...stored, ...current });
}

function formOf(spec: CollectionSpec): Form {
  return { schemaVersion: spec.schemaVersion, declared: declaredFields(spec).toSorted() };
}

function sameForm(a: Form, b: Form): boolean {
  return a.schemaVersion === b.schemaVersion && a.declared.join() === b.declared.join();
}

async function rewrite(backend: Backend, lineage: Lineage): Promise<void> {
  let after: { value: string; id: string } | undefined;
  for (;;) {
    const page = await backend.find(lineage.name, {
      where: {},
      sort: { field: 'id', order: 'asc' },
      limit: pageSize,
      skip: 0,
      ...(after && { after }),
    });
    await Promise.all(page.map((document) => rewriteOne(backend, lineage, document)));
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = { value: last.id, id: last.id };
  }
}

/** Another instance may write the document meanwhile: then what it wrote is lifted. */
async function rewriteOne(backend: Backend, lineage: Lineage, document: Document): Promise<void> {
  let current: Document | undefined = document;
  while (current !== undefined) {
    const lifted = { ...liftDocument(lineage, current), version: current.version + 1 };
    const outcome = await backend.replace(lineage.name, lifted, current.version);
    if (outcome === 'replaced') return;
    if (outcome === 'duplicate') throw duplicateError(lineage.name, current.id);
    current = await backend.get(lineage.name, current.id);
  }
}

function duplicateError(name: string, id: string): RackwrightError {
  return new RackwrightError(
    'store-migration',
    `${name}/${id}: its new form has a unique value that another document has; remove one of the two and start again`,
  );
}
