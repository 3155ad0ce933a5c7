// BullMQ as its users run it: one job per message, added in bulk, one row update per message. No intent before the wire.
// Settings: MESSAGES, DATABASE, REDIS (emptied), PROVIDER. The last line of the output tells when sending began and ended.
import { Queue, Worker } from 'bullmq';
import Redis from 'ioredis';
import pg from 'pg';
import { Pool as HttpPool } from 'undici';

const MESSAGES = Number(process.env.MESSAGES ?? 20000);
const CONCURRENCY = 100;
const CONNECTIONS = 20;
const BULK = 1000;
const PATH = '/v21.0/106540352242922/messages';
const TOKEN = 'Bearer EAAGm0PX4ZCpsBAKZCexampleexampleexampleexampleexampleexampleexampleexampleexampleexampleZD';

const database = new pg.Pool({ connectionString: process.env.DATABASE, max: CONNECTIONS });
const provider = new HttpPool(process.env.PROVIDER, { connections: CONCURRENCY, pipelining: 1 });
const redis = () => new Redis(process.env.REDIS, { maxRetriesPerRequest: null });

async function prepare() {
  await database.query(`
    create table messages (id bigint primary key, campaign_id bigint not null, phone text not null, vars jsonb not null,
      status text not null default 'pending', wamid text, error text, updated_at timestamptz);
    insert into messages (id, campaign_id, phone, vars)
      select g, 1, '1555' || lpad((g - 1)::text, 7, '0'), jsonb_build_array('Name' || g, 'A-' || (g * 7919) % 1000003)
      from generate_series(1, ${MESSAGES}) g;
    create index on messages (campaign_id, status);
    create index on messages (wamid);`);
  await database.query('vacuum analyze messages');
  await database.query('checkpoint');
  const { rows } = await database.query('select id, phone, vars from messages where campaign_id = 1 order by id');
  return rows;
}

async function send(message) {
  const body = JSON.stringify({
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    to: message.phone,
    type: 'template',
    template: {
      name: 'order_update',
      language: { code: 'en_US' },
      components: [{ type: 'body', parameters: message.vars.map((text) => ({ type: 'text', text })) }],
    },
    biz_opaque_callback_data: `c1:${message.id}`,
  });
  const response = await provider.request({
    method: 'POST',
    path: PATH,
    headers: { authorization: TOKEN, 'content-type': 'application/json' },
    body,
  });
  const answer = await response.body.json();
  if (response.statusCode !== 200) throw new Error(`the provider answered ${response.statusCode}`);
  await database.query({
    name: 'done',
    text: "update messages set status = 'sent', wamid = $2, updated_at = now() where id = $1",
    values: [message.id, answer.messages[0].id],
  });
}

const messages = await prepare();
const admin = redis();
await admin.flushall();
const queue = new Queue('campaign', { connection: redis() });
const opts = { attempts: 3, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: true };
for (let i = 0; i < messages.length; i += BULK) {
  await queue.addBulk(messages.slice(i, i + BULK).map((data) => ({ name: 'message', data, opts })));
}

const worker = new Worker('campaign', (job) => send(job.data), { connection: redis(), concurrency: CONCURRENCY, autorun: false });
const begin = Date.now() / 1000;
await new Promise((resolve, reject) => {
  let completed = 0;
  worker.on('completed', () => {
    completed += 1;
    if (completed === messages.length) resolve();
  });
  worker.on('failed', (_job, error) => reject(error));
  worker.run();
});
const end = Date.now() / 1000;
const { rows } = await database.query("select count(*)::int as stored from messages where status = 'sent'");
console.log(JSON.stringify({ messages: rows[0].stored, begin, end }));
process.exit(0);
