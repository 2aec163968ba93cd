// Answers questions about policies: one JSON object a line in, one a line out, in their order.
// A question: {principal, action, resource, account, context, policy, identity}; no principal is an
// anonymous one, and `identity` is the caller's own policy. The answer: what the simulator says, or
// {error}.
//
// Its engine is asked directly: the public function demands context keys that fit the action, and
// the "unsafe" one of 0.1.173 fails on every policy of a resource, which it loads without a name.
import { createInterface } from 'node:readline'
import { loadPolicy } from '@cloud-copilot/iam-policy'

const inside = './node_modules/@cloud-copilot/iam-simulate/dist/esm'
const { authorize } = await import(`${inside}/core_engine/CoreSimulatorEngine.js`)
const { AwsRequestImpl } = await import(`${inside}/request/request.js`)
const { RequestContextImpl } = await import(`${inside}/requestContext.js`)
const { DiscoveryContextKeyConstraints } = await import(
  `${inside}/context_keys/discoveryContextKeyConstraints.js`
)

const named = (policy, name) => loadPolicy(policy, { name })
const everything = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }]
}
const organization = [{ orgIdentifier: 'o-1', policies: [named(everything, 'all')] }]
const simulationParameters = {
  simulationMode: 'Strict',
  discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])
}

function answer(q) {
  const thing = { resource: q.resource, accountId: q.account }
  const context = new RequestContextImpl(q.context)
  return authorize({
    request: new AwsRequestImpl(q.principal ?? { type: 'Anonymous' }, thing, q.action, context),
    sessionPolicy: undefined,
    identityPolicies: q.identity ? [named(q.identity, 'own')] : [],
    serviceControlPolicies: q.principal ? organization : [],
    resourceControlPolicies: [{ orgIdentifier: 'o-1', policies: [named(everything, 'all')] }],
    resourcePolicy: named(q.policy, 'policy'),
    permissionBoundaries: undefined,
    vpcEndpointPolicies: undefined,
    simulationParameters,
    serviceSettings: { s3: {} }
  }).result
}

for await (const line of createInterface({ input: process.stdin })) {
  let said
  try {
    said = answer(JSON.parse(line))
  } catch (error) {
    said = { error: String(error.stack) }
  }
  process.stdout.write(JSON.stringify(said) + '\n')
}
