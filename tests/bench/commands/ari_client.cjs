// Measures npm's ari-client as round_trips.cpp does its targets: node ari_client.cjs URL USER PASSWORD ROUNDS TRIPS SECONDS IN_FLIGHT,…
const ari = require("ari-client");

const [url, user, password, rounds, trips, seconds, inFlight] = process.argv.slice(2);

async function oneAtATime(client, count) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const began = process.hrtime.bigint();
    await client.asterisk.ping();
    times.push(Number(process.hrtime.bigint() - began));
  }
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(times.length * 0.5)], p99: times[Math.floor(times.length * 0.99)] };
}

async function many(client, count) {
  const began = process.hrtime.bigint();
  const ends = began + BigInt(Math.round(Number(seconds) * 1e9));
  let answers = 0;
  await Promise.all(Array.from({ length: count }, async () => {
    while (process.hrtime.bigint() < ends) {
      await client.asterisk.ping();
      answers++;
    }
  }));
  return answers / (Number(process.hrtime.bigint() - began) / 1e9);
}

async function main() {
  const client = await ari.connect(url, user, password);
  const result = { rounds: [], per_second: {} };
  const rates = {};
  await oneAtATime(client, Number(trips) / 10);
  for (let round = 0; round < Number(rounds); round++) {
    result.rounds.push(await oneAtATime(client, Number(trips)));
    for (const count of inFlight.split(",")) (rates[count] ??= []).push(await many(client, Number(count)));
  }
  for (const [count, of] of Object.entries(rates)) result.per_second[count] = of.sort((a, b) => a - b)[of.length >> 1];
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
