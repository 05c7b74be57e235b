import { createRuntime } from '/work/main/src/runtime/runtime.ts'
import { createSystemClock } from '/work/main/src/daemon/system-clock.ts'
const clock = createSystemClock()
const log:any = { error: console.log, warn: console.log, info: console.log, debug(){}, child(){return log} }
const GB=2**30
const rt = createRuntime({kind:'docker', peer:'12D3KooWsmoketest000001' as any, cluster:null, session:1, capacity:{cpus:2,memoryBytes:4*GB,diskBytes:GB}}, {clock, log})
await rt.start()
rt.onLog(l=>console.log('LOG', l.stream, l.text))
const signal = new AbortController().signal
console.log(await rt.check({signal}))
async function fn(image:string, more={}) { const i = await rt.resolve(image,{pull:'never',signal}); console.log(i.because); return {name:image.split('/')[1]!,image,contract:i.contract,port:i.port,readyPath:i.readyPath,cpus:1,memoryBytes:64<<20,timeoutMs:5000,concurrency:2,prewarm:0,idempotent:false,env:{},network:'none',digest:i.digest,imageBytes:i.bytes,revision:1,updatedAt:'',...more} as any }
async function* body(t:string){ yield Buffer.from(t) }
let n=0
async function call(f:any, text:string, head={}, timeoutMs=5000) {
  const t=performance.now()
  try {
    const a = await rt.execute(f,{invocation:('i-'+n++) as any, head:{method:'POST',path:'/',query:'',headers:[],...head}, body:body(text)},{signal,timeoutMs})
    const chunks=[]; for await (const c of a.body) chunks.push(c)
    const end = await a.end
    console.log(f.name, (performance.now()-t).toFixed(1), a.head, Buffer.concat(chunks).toString().slice(0,300), end)
  } catch(e:any) { console.log(f.name,(performance.now()-t).toFixed(1),'ERR', e.code, e.message, e.hint, e.details, e.cause?.message) }
}
await call(await fn('cares-example/upper'),'hello')
await call(await fn('cares-example/upper'),'hello')
await call(await fn('cares-example/fail'),'hello')
await call(await fn('cares-test/env'),'hello', {headers:[['x-a-b','q'],['content-type','a/b']]})
await call(await fn('cares-test/deaf'),'hello'.repeat(1000000))
await call(await fn('cares-test/cut'),'hello')
await call(await fn('cares-test/eat'),'hello')
await call(await fn('cares-test/spin'),'hello')
await call(await fn('cares-test/nettest'),'hello')
await call(await fn('cares-test/nothing'),'hello')
await call(await fn('cares-test/misfit'),'hello', {}, 1000)
await call(await fn('cares-test/stubborn'),'hello', {}, 1000)
const web = await fn('cares-example/web', {memoryBytes: 256<<20})
await call(web,'hello')
await call(web,'hello')
await call(web,'hello',{path:'/reach',query:'host=192.0.2.2&port=4567'})
await call(web,'hello',{path:'/reach',query:'host=cares.dev&port=80'})
await call(web,'hello',{path:'/status',query:'code=503'})
await call(web,'hello',{path:'/crash'})
await call(web,'hello',{path:'/break'})
await call(web,'hello',{path:'/eat'})
await call(web,'hello',{path:'/hang'},1000)
await call({...await fn('cares-test/hang'),contract:'http',port:8080},'x',{},1500)
console.log(rt.use())
const t=performance.now()
await rt.stop()
console.log('stop', performance.now()-t)
