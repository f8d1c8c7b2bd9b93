/**
 * Entry of the program that outlives a killed lab: it is started when the lab's owner has died without removing the lab.
 *   node reaper.ts NAME INSTANCE
 */
import { removeLab } from './remove.ts';
import { labPaths, readRecord } from './state.ts';

const [name = '', instance = ''] = process.argv.slice(2);
if (readRecord(labPaths(name))?.instance === instance) await removeLab(name);
