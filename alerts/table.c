/* PURE: the table of fault rules, one row per code; a change here shows in the golden file of the tests. */
#include "table.h"

#include "../ingest/reading.h"
#include "rules.h"

#define SECOND 1000u
#define MINUTE (60u * SECOND)
#define MODE(m) (uint8_t)(1u << (m))
#define IN_INSPECTION MODE(MODE_INSPECTION)

static const char gbt[] = "GB/T 24476 values as found in public implementations";
static const char local_91_93[] = "local extension 91-93 of a government platform's enumeration";
static const char en81_28[] = "EN 81-28";
static const char ours[] = "our judgement";

const struct rule_row rules_table[] = {
    {1, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 0, MINUTE, "电梯运行时安全回路断路",
     "safety circuit open while running",
     "运行中安全回路断开会急停，轿内可能有人；检修时由维保人员断开，故抑制；停止服务往往由本故障引起，故不抑"
     "制。",
     "An emergency stop may leave people in the car; suppressed in inspection, where technicians open the "
     "circuit, but not in stop mode, which this fault itself brings about.",
     gbt},
    {2, RULE_REPORTED, 3, CLOCK_LIFT, GROUP_NONE,
     IN_INSPECTION | MODE(MODE_FIRE_RECALL) | MODE(MODE_FIREFIGHTER), false, 0, MINUTE, "关门故障",
     "door closing fault",
     "门关不上则电梯停在原处，门开着，人可以离开；检修、消防返回和消防员运行时门有意保持打开，故抑制。",
     "A door that won't close keeps the lift where people can leave it; in inspection, fire recall and "
     "firefighter mode doors stay open on purpose.",
     gbt},
    {3, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 0, MINUTE, "开门故障",
     "door opening fault", "门打不开可能困人，消防返回时尤其危险，故仅在检修时抑制。",
     "A door that won't open may hold people, in fire recall more than ever, so only inspection suppresses "
     "it.",
     gbt},
    {4, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_OUTSIDE_ZONE, IN_INSPECTION, false, 0, MINUTE,
     "轿厢在开锁区域外停止", "car stopped outside unlocking zone",
     "轿厢停在门区外，有人也出不来；检修时轿厢可停在任意位置，故抑制；与201为同一件事，先到者报警。",
     "Nobody can leave a car outside the unlocking zone; in inspection it stands anywhere; the same thing as "
     "201, so only the first of the two rings.",
     gbt},
    {5, RULE_REPORTED, 1, CLOCK_LIFT, GROUP_NONE, 0, false, 0, MINUTE, "轿厢意外移动",
     "unintended car movement", "意外移动会剪切、挤压乘客，检修时危及维保人员，任何模式都不抑制。",
     "Unintended movement crushes people; in inspection the technician is the one in danger, so nothing "
     "suppresses it.",
     gbt},
    {6, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 0, MINUTE, "电动机运转时间限制器动作",
     "motor run-time limiter",
     "电动机转而轿厢不动（打滑或卡阻），电梯停梯且可能困人；检修点动运行会误触发，故抑制。",
     "The motor turned and the car did not: the lift is stopped, perhaps with people; inspection drives "
     "trip it harmlessly.",
     gbt},
    {7, RULE_REPORTED, 3, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 0, MINUTE, "楼层位置丢失",
     "floor position lost", "电梯通常自行校正后恢复，属服务问题；检修移动轿厢后丢失属正常，故抑制。",
     "Lifts mostly find themselves again by a correction run; after moves in inspection it is to be "
     "expected.",
     gbt},
    {8, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 0, MINUTE, "防止电梯再运行故障",
     "fault that prevents restart", "电梯已锁定，须到场处理，轿内可能有人；检修时维保人员已在场，故抑制。",
     "The lift is locked until somebody comes, perhaps with people inside; in inspection somebody is there.",
     gbt},
    {40, RULE_ENDS, 4, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "恢复自动运行模式", "back to automatic",
     "本身不报警：同一读数中有40时，41至47一律视为已结束。",
     "Never raises: while it is in the active set, 41 to 47 are over, whatever else the set says.", gbt},
    {41, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_MAINS, IN_INSPECTION, false, 0, 30 * SECOND, "主电源断电",
     "main power lost",
     "断电停梯，可能困人；检修时由维保人员拉闸，故抑制；与46、204为同一件事，先到者报警；30秒内复电再断算同一"
     "次。",
     "Without power the lift stops where it is; in inspection technicians open the switch; the same thing as "
     "46 and 204, so only the first rings, and flicker within 30 s is one outage.",
     gbt},
    {42, RULE_REPORTED, 3, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "进入停止服务", "out of service",
     "居民无梯可用，须计入停梯时间；起止精确到读数，故无保持和静默时间，也不抑制。",
     "Residents are without their lift; outages are counted from reading to reading, so no hold, no quiet "
     "time, no suppression.",
     gbt},
    {43, RULE_REPORTED, 4, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "进入检修运行模式", "inspection mode",
     "有人在检修：供调度知晓，并解释其他报警为何被抑制。",
     "Somebody is at work: for the dispatcher to know, and why other alarms keep quiet.", gbt},
    {44, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "进入消防返回模式", "fire recall",
     "楼内可能着火，轿内可能有人，不论何种模式都应让调度知道。",
     "There may be a fire in the house and people in the car; no mode makes that uninteresting.", gbt},
    {45, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "进入消防员运行模式", "firefighter mode",
     "消防员正在使用电梯，不得远程或派人干预。",
     "Firefighters are using the lift: nobody else may be sent to it unawares.", gbt},
    {46, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_MAINS, IN_INSPECTION, false, 0, 30 * SECOND, "进入应急电源运行",
     "emergency power",
     "应急电源运行即主电源已断；与41、204为同一件事，先到者报警；检修时由维保人员拉闸试验，故抑制。",
     "Running on emergency power means that the mains are lost: the same thing as 41 and 204, so only the "
     "first rings; technicians test it in inspection.",
     gbt},
    {47, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "地震模式", "earthquake mode",
     "电梯就近停靠后须检查才能恢复，轿内可能有人，不抑制。",
     "The lift stops at the nearest landing and needs a check before it runs again; people may be inside.",
     gbt},
    {90, RULE_REPORTED, 1, CLOCK_LIFT, GROUP_NONE, 0, false, 0, MINUTE, "报警按钮动作",
     "passenger alarm button",
     "有人求助，立即报警，任何模式都不抑制（检修时被困的可能是维保人员）；一分钟内反复按压算一次；101表示现场"
     "已解除。",
     "Somebody asks for help: at once and in every mode (in inspection it may be the technician); presses "
     "within a minute are one alarm; 101 ends it.",
     en81_28},
    {91, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 0, MINUTE, "蹲底", "car hit the pit",
     "轿厢越过底层，可能伤人困人，须检查；检修时可有意驶入极限位置，故抑制。",
     "The car overran the lowest landing, people may be hurt; in inspection it may be driven there on "
     "purpose.",
     local_91_93},
    {92, RULE_REPORTED, 2, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 0, MINUTE, "冲顶",
     "overtravel at the top", "轿厢越过顶层，可能伤人困人，须检查；检修时可有意驶入极限位置，故抑制。",
     "The car overran the highest landing, people may be hurt; in inspection it may be driven there on "
     "purpose.",
     local_91_93},
    {93, RULE_REPORTED, 1, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, true, 0, 10 * SECOND, "平层关人",
     "entrapment at landing",
     "终端已判定平层困人，立即报警；检修时轿内多为维保人员，不新报，但已报的须等终端解除。",
     "The device has judged that people are shut in at a landing; in inspection it is mostly a technician, "
     "so it doesn't begin there, but what stands stays until the device ends it.",
     local_91_93},
    {100, RULE_REPORTED, 4, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "定期测试呼叫", "periodic test call",
     "证明报警通道畅通的例行事件（至多72小时一次），仅供记录。",
     "Proof that the alarm line works, every 72 h at most: an event to be recorded, nothing to be done.",
     en81_28},
    {101, RULE_ENDS, 4, CLOCK_LIFT, GROUP_NONE, 0, false, 0, 0, "现场解除报警", "end of alarm set on site",
     "本身不报警：在场人员确认乘客已脱困，90立即结束，且不再作为困人依据。",
     "Never raises: somebody on site has declared the alarm over, so 90 ends at once and no longer counts "
     "as evidence for 200.",
     en81_28},
    {CODE_PEOPLE_TRAPPED, RULE_DERIVED, 1, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, true, 90 * SECOND,
     10 * SECOND, "乘客被困", "people trapped",
     "轿内有人且停在门区外，或停着而门一直关闭达90秒；按下报警按钮时10秒，终端报93时立即。停止服务的电梯同样"
     "会困人，"
     "故不抑制；检修时除非按钮按下不新报；消防员运行时在层站关门等候属正常，不作依据；已报的须有脱困证据才解"
     "除。",
     "Occupied and stopped outside the door zone, or stopped with doors closed, for 90 s (10 s with the "
     "button pressed, at once with 93). Not suppressed by stop mode, since a stopped lift can hold people; "
     "in inspection it begins only with the button; in firefighter mode closed doors at a landing are no "
     "evidence; once standing it clears only on evidence that people are out.",
     ours},
    {CODE_STOPPED_OUTSIDE_ZONE, RULE_DERIVED, 2, CLOCK_LIFT, GROUP_OUTSIDE_ZONE, IN_INSPECTION, false,
     30 * SECOND, 10 * SECOND, "停在门区外", "stopped outside the door zone",
     "正常停靠不会在门区外停30秒；轿内有无人未知时也须报警，故应急电源和停止服务不抑制；检修时可停任意位置，"
     "故抑制。",
     "No normal stop lasts 30 s outside a door zone, and whether people are inside may be unknown, so "
     "emergency power and stop mode don't suppress it; in inspection the car stands anywhere.",
     ours},
    {CODE_MOVING_DOOR_OPEN, RULE_DERIVED, 1, CLOCK_LIFT, GROUP_NONE, IN_INSPECTION, false, 2 * SECOND,
     30 * SECOND, "开门走梯", "moving with a door open",
     "门开着离开门区会致命；门区内的再平层和提前开门属正常，不计；2秒避免信号先后不齐；检修可旁路门锁运行，故"
     "抑制。",
     "Leaving a landing with a door open kills; relevelling and advance opening inside the door zone are "
     "normal and don't count; 2 s bridge signals that change one after the other; inspection may bypass the "
     "door contacts.",
     ours},
    {CODE_DEVICE_SILENT, RULE_DERIVED, 3, CLOCK_SERVER, GROUP_NONE, 0, false, 300 * SECOND, 0, "终端失联",
     "device silent", "收不到数据就发现不了困人；按到达时间计，以免受终端时钟影响；任何模式都不抑制。",
     "What isn't heard can't be seen, an entrapment neither; counted in arrival time, so that no device "
     "clock matters; no mode excuses silence.",
     ours},
    {CODE_MAINS_LOST, RULE_DERIVED, 2, CLOCK_LIFT, GROUP_MAINS, IN_INSPECTION, false, 10 * SECOND,
     30 * SECOND, "主电源断电（推断）", "mains lost",
     "终端未报41或46时，由电池供电标志或应急电源模式推断；10秒避免瞬时切换，也让41先报；检修时拉闸，故抑制。",
     "Inferred from the battery flag or emergency power mode where the lift reports neither 41 nor 46; 10 s "
     "pass over a switch-over and let 41 come first; in inspection technicians open the switch.",
     ours},
    {CODE_BOOT_FELL, RULE_DERIVED, 3, CLOCK_SERVER, GROUP_NONE, 0, false, 0, 600 * SECOND, "启动计数倒退",
     "boot counter fell",
     "终端启动计数倒退，其读数被拒收：可能换了终端未登记或两台终端同名，须查；10分钟内交替出现算一次。",
     "Readings are refused because the boot counter fell: a terminal replaced without being registered, or "
     "two with one name; alternation within 10 min is one alarm.",
     ours},
    {CODE_CLOCK_WRONG, RULE_DERIVED, 4, CLOCK_SERVER, GROUP_NONE, 0, false, 60 * SECOND, 60 * SECOND,
     "终端时钟错误", "device clock wrong",
     "时钟快于到达时间10分钟以上或早于保存期限，读数改按到达时间处理；刚启动尚未校时不足一分钟的不报。",
     "More than 10 min ahead of arrival or older than what is kept: arrival time is used instead; less than "
     "a minute after a start, before the clock is set, does not ring.",
     ours},
};

const size_t rules_table_count = sizeof rules_table / sizeof rules_table[0];

_Static_assert(sizeof rules_table / sizeof rules_table[0] <= LIFT_RULES_MAX,
               "more rules than a lift has room for");

int rules_table_find(unsigned code) {
    size_t low = 0, high = rules_table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules_table[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < rules_table_count && rules_table[low].code == code ? (int)low : -1;
}
