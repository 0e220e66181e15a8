// No complex numbers here.
#pragma once
