import { basename } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../../errors.ts';
import { decimalBytes } from '../../model/bytes.ts';
import { imageNamePattern } from '../../model/image.ts';
import { textTable } from '../../model/text-table.ts';
import { addFile, addUrl, type ImageWords } from '../add-image.ts';
import { createClient, type Client } from '../client.ts';
import { createProgress, type ProgressTerminal } from '../progress.ts';
import { printable, toStandardOutput, withServer, type ServerOption, type WriteLine } from '../server-option.ts';

/** `rackwright images list|show|add|remove`: the disk images that nodes can be given. */
export function imagesCommand(
  write: WriteLine = toStandardOutput,
  terminal: ProgressTerminal = process.stderr,
): Command {
  return new Command('images')
    .description('disk images that nodes can be given')
    .addCommand(listCommand(write))
    .addCommand(showCommand(write))
    .addCommand(addCommand(write, terminal))
    .addCommand(removeCommand(write));
}

const imageSchema = z.looseObject({
  name: z.string(),
  os: z.string().optional(),
  state: z.string(),
  problem: z.string().optional(),
  format: z.string(),
  sizeBytes: z.number(),
  rawBytes: z.number(),
  sha256: z.string(),
  bootModes: z.array(z.string()),
  cloudInit: z.boolean(),
});
const pageSchema = z.object({ items: z.array(imageSchema), next: z.string().optional() });
type Image = z.infer<typeof imageSchema>;

function listCommand(write: WriteLine): Command {
  return withServer(new Command('list'))
    .description('list the images')
    .option('--json', 'as JSON, one image a line')
    .action(async ({ server, json }: ServerOption & { readonly json?: true }) => {
      const images = await allImages(createClient(server));
      if (json) for (const image of images) write(JSON.stringify(image));
      else if (images.length === 0) write('no images');
      else for (const line of textTable([header, ...images.map(row)])) write(printable(line));
    });
}

const header = ['NAME', 'OS', 'BOOTS', 'ON DISK', 'FILE', 'FORMAT', 'CLOUD-INIT', 'STATE'];

function row({ name, os, bootModes, rawBytes, sizeBytes, format, cloudInit, state }: Image): string[] {
  const sizes = [decimalBytes(rawBytes), decimalBytes(sizeBytes)];
  return [name, os ?? '-', bootModes.join(' '), ...sizes, format, cloudInit ? 'yes' : 'no', state];
}

async function allImages(client: Client): Promise<Image[]> {
  const images: Image[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: '1000', ...(cursor && { cursor }) });
    const page = pageSchema.parse(await client.get(`/images?${query.toString()}`));
    images.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return images;
}

function showCommand(write: WriteLine): Command {
  return withServer(new Command('show'))
    .description('all that is known of an image')
    .argument('<image>', 'its name or id')
    .action(async (image: string, { server }: ServerOption) => {
      const found = imageSchema.parse(await createClient(server).get(`/images/${encodeURIComponent(image)}`));
      for (const line of textTable(Object.entries(found).map(([key, value]) => [key, shown(value)]))) {
        write(printable(line));
      }
    });
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface AddOptions extends ServerOption {
  readonly name?: string;
  readonly os?: string;
  readonly sha256?: string;
  readonly cloudInit: boolean;
  readonly bootModes?: string;
}

function addCommand(write: WriteLine, terminal: ProgressTerminal): Command {
  return withServer(new Command('add'))
    .description('add an image; what broke off is continued when the same file is added again')
    .argument('<source>', 'a file, or an http or https address from which the server is to fetch it')
    .option('--name <name>', "what it is to be called; default: the file's name without its extension")
    .option('--os <text>', 'what system is in it')
    .option('--sha256 <hex>', 'what the file must have')
    .option('--no-cloud-init', 'its system does not read a cloud-init seed')
    .option('--boot-modes <modes>', 'bios, uefi or bios,uefi, where it cannot be seen')
    .action(async (source: string, { server, ...options }: AddOptions) => {
      const client = createClient(server);
      const progress = createProgress(terminal, () => performance.now());
      const add = /^https?:\/\//i.test(source) ? addUrl : addFile;
      const id = await add(client, source, wordsOf(source, options), progress);
      const { name, bootModes, rawBytes } = imageSchema.parse(await client.get(`/images/${id}`));
      write(`image ${name} is there: ${decimalBytes(rawBytes)} on disk, boots by ${bootModes.join(' and ')}`);
    });
}

function wordsOf(source: string, options: Omit<AddOptions, 'server'>): ImageWords {
  const { os, sha256, cloudInit, bootModes } = options;
  return {
    name: options.name ?? nameOf(source),
    cloudInit,
    ...(os === undefined ? {} : { os }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(bootModes === undefined ? {} : { bootModes: bootModes.split(',') }),
  };
}

/** `Debian 12.RAW.zst` -> `debian-12`. */
function nameOf(source: string): string {
  const path = URL.canParse(source) ? new URL(source).pathname : source;
  const name = basename(path)
    .toLowerCase()
    .replace(/(\.(raw|img|qcow2|disk))?(\.(zst|gz|xz))?$/, '')
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(0, 63);
  if (!imageNamePattern.test(name)) throw new InputError('--name', `is needed: '${source}' gives none`);
  return name;
}

function removeCommand(write: WriteLine): Command {
  return withServer(new Command('remove'))
    .description('remove an image')
    .argument('<image>', 'its name or id')
    .action(async (image: string, { server }: ServerOption) => {
      await createClient(server).send('DELETE', `/images/${encodeURIComponent(image)}`);
      write(printable(`image ${image} is removed`));
    });
}
