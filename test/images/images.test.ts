import { mkdir, stat, truncate, utimes, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Upload } from '../../src/images/uploads.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { body, lenientInspector, metadata, openImagesWorld, sha256, type ImagesWorld } from './world.ts';

let world: ImagesWorld;
beforeEach(async () => {
  world = await openImagesWorld();
});
afterEach(() => world.close());

const add = (name: string, text: string) =>
  world.images.add(metadata(name), { stream: body(text), length: text.length });

async function begin(name: string, text: string): Promise<Upload> {
  const begun = await world.images.begin({ way: 'resumable', metadata: metadata(name), length: text.length });
  if (!begun.ok) throw new Error(begun.refusal.message);
  return begun.upload;
}

describe('a whole upload', () => {
  test('becomes an image and a blob that only the owner may read', async () => {
    const added = await world.images.add(metadata('debian', { os: 'Debian 12', cloudInit: false }), {
      stream: body('di', 'sk'),
      length: 4,
    });
    expect(added).toMatchObject({
      ok: true,
      image: { name: 'debian', os: 'Debian 12', cloudInit: false, sha256: sha256('disk'), sizeBytes: 4 },
    });
    expect(await world.names()).toEqual([sha256('disk')]);
    const path = world.images.blobPath({ sha256: sha256('disk') });
    expect(await readFile(path, 'utf8')).toBe('disk');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(world.directory, 'uploads'))).mode & 0o777).toBe(0o700);
    const image = await world.images.find('debian');
    expect(await world.images.find(image?.id ?? '')).toEqual(image);
  });

  test.each([
    ['is bad', () => world.images.add(metadata('x'), { stream: body('bad'), length: 3 }), 'unfit'],
    ['breaks', () => world.images.add(metadata('x'), { stream: body('di', new Error('reset')), length: 4 }), 'damaged'],
    ['ends early', () => world.images.add(metadata('x'), { stream: body('di'), length: 4 }), 'damaged'],
    [
      'is longer than it says',
      () => world.images.add(metadata('x'), { stream: body('disk and more'), length: 4 }),
      'damaged',
    ],
    ['says to be too long', () => world.images.add(metadata('x'), { stream: body('disk'), length: 1001 }), 'too-large'],
    [
      'is too long without saying so',
      () => world.images.add(metadata('x', { sha256: sha256('') }), { stream: body('d'.repeat(1001)) }),
      'too-large',
    ],
    [
      'is another than it says',
      () => world.images.add(metadata('x', { sha256: sha256('') }), { stream: body('disk') }),
      'damaged',
    ],
  ])('that %s leaves nothing', async (_what, attempt, reason) => {
    expect(await attempt()).toMatchObject({ ok: false, refusal: { reason } });
    expect(await world.names()).toEqual([]);
    expect(await world.store.images.count()).toBe(0);
  });

  test('of a name that is taken is refused before a byte is read', async () => {
    await add('debian', 'disk');
    const unread = body('other');
    expect(await world.images.add(metadata('debian'), { stream: unread, length: 5 })).toMatchObject({
      ok: false,
      refusal: { reason: 'name-taken' },
    });
    expect(await unread.next()).toMatchObject({ done: false });
  });

  test('of one name twice at once leaves one image and one blob', async () => {
    const both = await Promise.all([add('debian', 'disk'), add('debian', 'other')]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    const image = await world.images.find('debian');
    expect(await world.names()).toEqual([image?.sha256]);
  });

  test('is refused where the disk would become too full, and nothing is left', async () => {
    await world.reopen({ keepFreeBytes: Number.MAX_SAFE_INTEGER });
    const full = await add('debian', 'disk');
    expect(full).toMatchObject({
      ok: false,
      refusal: { reason: 'no-space', message: expect.stringContaining('images.keepFreeBytes') as string },
    });
    expect(await world.names()).toEqual([]);
  });

  test('where the inspection fails ends with a fault, and nothing is left', async () => {
    await world.reopen({ inspector: () => Promise.reject(new Error('no thread')) });
    expect(await add('debian', 'disk')).toMatchObject({
      ok: false,
      refusal: { reason: 'fault', message: expect.stringContaining('no thread') as string },
    });
    expect(await world.names()).toEqual([]);
  });
});

describe('removal', () => {
  test('takes the blob with the last image that has it', async () => {
    await add('one', 'disk');
    await add('two', 'disk');
    expect(await world.images.remove('one')).toEqual({ ok: true });
    expect(await world.names()).toEqual([sha256('disk')]);
    expect(await world.images.remove('two')).toEqual({ ok: true });
    expect(await world.names()).toEqual([]);
    expect(await world.images.remove('two')).toMatchObject({ ok: false, reason: 'missing' });
  });

  test('and adding of the same bytes at once leaves no image without its blob', async () => {
    for (let round = 0; round < 20; round += 1) {
      await add('old', 'disk');
      await Promise.all([world.images.remove('old'), add('new', 'disk')]);
      const image = await world.images.find('new');
      expect(image && (await world.images.blobState(image))).toEqual({ ok: true });
      await world.images.remove('new');
    }
  });
});

test('an image whose blob is gone or cut off is told', async () => {
  await add('debian', 'disk');
  const image = (await world.images.find('debian'))!;
  await truncate(world.images.blobPath(image), 3);
  expect(await world.images.blobState(image)).toMatchObject({
    ok: false,
    why: expect.stringContaining('3 bytes instead of 4') as string,
  });
  await mkdir(join(world.directory, 'x'));
  expect(await world.images.blobState({ sha256: 'x', sizeBytes: 4096 })).toMatchObject({ ok: false });
});

describe('an upload in pieces', () => {
  test('becomes an image with its last byte', async () => {
    const { record } = await begin('debian', 'disk');
    expect(await world.images.append(record.id, 0, body('di', new Error('reset')))).toEqual({
      ok: true,
      offset: 2,
      end: 'broken',
    });
    expect(await world.images.find('debian')).toBeUndefined();
    expect(await world.images.append(record.id, 2, body('sk'))).toMatchObject({ ok: true, image: { name: 'debian' } });
    expect(world.images.upload(record.id)).toMatchObject({ record: { state: 'done' } });
  });

  test('is appended to by one at a time, where it is', async () => {
    const { record } = await begin('debian', 'disk');
    const slow = body('d', 'i');
    const first = world.images.append(record.id, 0, slow);
    expect(await world.images.append(record.id, 0, body('xx'))).toEqual({ ok: false, conflict: 'locked' });
    expect(await world.images.abandon(record.id)).toBe('locked');
    await first;
    expect(await world.images.append(record.id, 1, body('isk'))).toEqual({ ok: false, conflict: 'offset' });
    expect(await world.images.append('nobody', 0, body('x'))).toEqual({ ok: false, conflict: 'missing' });
    await world.images.append(record.id, 2, body('sk'));
    expect(await world.images.append(record.id, 4, body())).toEqual({ ok: false, conflict: 'ended' });
  });

  test('survives the end of the server', async () => {
    const { record } = await begin('debian', 'disk');
    await world.images.append(record.id, 0, body('di'));
    await world.reopen();
    expect(world.images.upload(record.id)).toMatchObject({ offset: 2, record: { state: 'receiving' } });
    expect(await world.images.append(record.id, 2, body('sk'))).toMatchObject({
      ok: true,
      image: { sha256: sha256('disk') },
    });
  });

  test('whose bytes were all there when the server ended is finished by the next', async () => {
    const { record } = await begin('debian', 'disk');
    await world.images.append(record.id, 0, body('dis'));
    await world.images.stop();
    await writeFile(join(world.directory, 'uploads', record.id, 'part'), 'disk');
    await world.reopen();
    const image = await waitFor('the image', () => world.images.find('debian'), { deadlineMs: 5000 });
    expect(image.sha256).toBe(sha256('disk'));
  });

  test('that was an image when the server was killed, and did not know it, is done', async () => {
    const { record } = await begin('debian', 'disk');
    await world.images.append(record.id, 0, body('disk'));
    const path = join(world.directory, 'uploads', record.id);
    const { imageId, ...before } = JSON.parse(await readFile(join(path, 'upload.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    await writeFile(join(path, 'upload.json'), JSON.stringify({ ...before, state: 'inspecting' }));
    await writeFile(join(path, 'part'), 'disk');
    await world.reopen();
    const done = await waitFor(
      'its end',
      () => {
        const upload = world.images.upload(record.id);
        return upload?.record.state === 'done' ? upload : undefined;
      },
      { deadlineMs: 5000 },
    );
    expect(done.record.imageId).toBe(imageId);
    expect(await world.store.images.count()).toBe(1);
  });

  test('that is refused says why, and its bytes are gone', async () => {
    const { record } = await begin('debian', 'bad disk');
    expect(await world.images.append(record.id, 0, body('bad disk'))).toMatchObject({ ok: false });
    await world.reopen();
    expect(world.images.upload(record.id)).toMatchObject({
      record: { state: 'failed', refusal: { message: 'It is bad.' } },
    });
    await expect(stat(join(world.directory, 'uploads', record.id, 'part'))).rejects.toThrow('ENOENT');
  });

  test('can be given up, also while it is looked through', async () => {
    await world.reopen({
      inspector: (job, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error(`stopped ${job.path}`));
          });
        }),
    });
    const { record } = await begin('debian', 'disk');
    const appended = world.images.append(record.id, 0, body('disk'));
    await waitFor('the inspection', () => world.images.upload(record.id)?.record.state === 'inspecting' || undefined, {
      deadlineMs: 5000,
    });
    expect(await world.images.abandon(record.id)).toBe('removed');
    expect(await appended).toMatchObject({ ok: false });
    expect(await world.names()).toEqual([]);
  });

  test('there are only so many at once', async () => {
    for (let count = 0; count < 64; count += 1) await begin(`image-${count}`, 'disk');
    expect(await world.images.begin({ way: 'resumable', metadata: metadata('one-more'), length: 4 })).toMatchObject({
      ok: false,
      refusal: { reason: 'busy' },
    });
  });
});

describe('what a killed server left', () => {
  test('of an upload in one request is removed, with a blob that became no image', async () => {
    const begun = await world.images.begin({ way: 'request', metadata: metadata('debian'), length: 4 });
    const id = begun.ok ? begun.upload.record.id : '';
    const path = join(world.directory, 'uploads', id, 'upload.json');
    const record = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...record, state: 'inspecting', sha256: sha256('disk') }));
    await writeFile(join(world.directory, sha256('disk')), 'disk');
    await world.reopen();
    expect(await world.names()).toEqual([]);
  });

  test.each([
    ['no JSON', '{'],
    ['another form', '{}'],
    ['nothing', undefined],
  ])('is removed where its record is %s', async (_what, text) => {
    await mkdir(join(world.directory, 'uploads', 'x'));
    await writeFile(join(world.directory, 'uploads', 'x', 'part'), 'di');
    if (text !== undefined) await writeFile(join(world.directory, 'uploads', 'x', 'upload.json'), text);
    await world.reopen();
    expect(await world.names()).toEqual([]);
  });
});

test('uploads that nobody goes on with are removed after a day, others stay', async () => {
  const old = await begin('old', 'disk');
  const fresh = await begin('fresh', 'disk');
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  await utimes(join(world.directory, 'uploads', old.record.id, 'part'), yesterday, yesterday);
  await world.reopen({ inspector: lenientInspector });
  expect(await world.names()).toEqual([`uploads/${fresh.record.id}`]);
});
