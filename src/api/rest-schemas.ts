import { admissionListSchema, admissionSchema } from '../model/rest-admissions.ts'
import { costListSchema, costRowSchema } from '../model/rest-costs.ts'
import { alertSchema, eventSchema } from '../model/rest-events.ts'
import {
  acceptedSchema,
  cancelResultSchema,
  explanationSchema,
  invocationListSchema,
  invocationSchema,
  placementSchema,
  usageSchema,
  verdictSchema
} from '../model/rest-invocations.ts'
import { quoteSchema } from '../model/rest-quote.ts'
import {
  payloadSchema,
  taskAttemptSchema,
  taskCountsSchema,
  taskExplanationSchema,
  taskListSchema,
  taskSchema,
  taskSubmittedSchema
} from '../model/rest-tasks.ts'
import {
  alertListSchema,
  functionHistorySchema,
  peerHistorySchema,
  statsHistorySchema,
  wsMessageSchema,
  wsSubscribeSchema
} from '../model/rest-telemetry.ts'
import {
  aliveSchema,
  checkListSchema,
  clusterSchema,
  drainResultSchema,
  droppedSchema,
  functionListSchema,
  functionSchema,
  leaveResultSchema,
  logLineSchema,
  peerListSchema,
  peerSchema,
  peerStatsSchema,
  problemSchema,
  pruneResultSchema,
  putResultSchema,
  readySchema,
  removeResultSchema,
  statsSchema,
  strategySchema,
  versionSchema
} from '../model/rest.ts'

/** The schemas that the OpenAPI document names. */
export const REST_SCHEMAS = {
  Problem: problemSchema,
  PeerStats: peerStatsSchema,
  Peer: peerSchema,
  PeerList: peerListSchema,
  DrainResult: drainResultSchema,
  Cluster: clusterSchema,
  Strategy: strategySchema,
  LeaveResult: leaveResultSchema,
  Function: functionSchema,
  FunctionList: functionListSchema,
  PutResult: putResultSchema,
  RemoveResult: removeResultSchema,
  Usage: usageSchema,
  Invocation: invocationSchema,
  InvocationList: invocationListSchema,
  Accepted: acceptedSchema,
  CancelResult: cancelResultSchema,
  Verdict: verdictSchema,
  Quote: quoteSchema,
  CostRow: costRowSchema,
  CostList: costListSchema,
  Admission: admissionSchema,
  AdmissionList: admissionListSchema,
  Placement: placementSchema,
  Explanation: explanationSchema,
  Task: taskSchema,
  Payload: payloadSchema,
  TaskAttempt: taskAttemptSchema,
  TaskCounts: taskCountsSchema,
  TaskList: taskListSchema,
  TaskSubmitted: taskSubmittedSchema,
  TaskExplanation: taskExplanationSchema,
  Stats: statsSchema,
  PeerHistory: peerHistorySchema,
  FunctionHistory: functionHistorySchema,
  StatsHistory: statsHistorySchema,
  Alert: alertSchema,
  AlertList: alertListSchema,
  Event: eventSchema,
  Dropped: droppedSchema,
  WsMessage: wsMessageSchema,
  WsSubscribe: wsSubscribeSchema,
  LogLine: logLineSchema,
  CheckList: checkListSchema,
  PruneResult: pruneResultSchema,
  Alive: aliveSchema,
  Ready: readySchema,
  Version: versionSchema
} as const
